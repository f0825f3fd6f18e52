package integration

import (
	"testing"

	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/streams/streamstest"
)

// The conformance suite on a server in a container.
func TestContainer(t *testing.T) {
	t.Parallel()
	url := redistest.Container(t)
	streamstest.Run(t, func(t *testing.T) *streams.Log {
		t.Helper()
		l, err := streams.New(url, streams.Options{Namespace: redistest.Namespace(t)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		return l
	})
}
