package streams_test

import (
	"testing"

	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/streams/streamstest"
)

func TestMain(m *testing.M) {
	steady()
	redistest.Main(m)
}

// backends are the servers that every promise is tested on.
var backends = []struct {
	name string
	url  func(t testing.TB) string
}{
	{"memory", func(testing.TB) string { return "mem://" }},
	{"redis", func(t testing.TB) string { return redistest.URL(t) }},
}

// open opens a log in a namespace of its own, to be closed with the test.
func open(t testing.TB, url string, o streams.Options) *streams.Log {
	t.Helper()
	if o.Namespace == "" {
		o.Namespace = redistest.Namespace(t)
	}
	l, err := streams.New(url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			streamstest.Run(t, func(t *testing.T) *streams.Log { return open(t, b.url(t), streams.Options{}) })
		})
	}
}
