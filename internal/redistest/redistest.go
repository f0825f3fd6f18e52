package redistest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/tidemill/tidemill/internal/redisproc"
)

// shared is the server of this test binary.
var shared struct {
	sync.Mutex
	asked  bool // server and err are known
	server server
	err    error
}

// URL of the server that the tests of this binary share.
func URL(tb testing.TB) string {
	tb.Helper()
	notShort(tb)
	shared.Lock()
	defer shared.Unlock()
	if !shared.asked {
		shared.server, shared.err = find(context.Background(), fromEnv, fromPath, fromDocker)
		shared.asked = true
	}
	if shared.err != nil {
		tb.Fatal(shared.err)
	}
	return shared.server.url
}

// Start runs a server for this test alone and stops it at the test's end.
func Start(tb testing.TB, o redisproc.Options) *redisproc.Proc {
	tb.Helper()
	notShort(tb)
	if _, ok := redisproc.Find(); !ok {
		tb.Fatal(errNone)
	}
	p, err := redisproc.Start(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := p.Stop(); err != nil {
			tb.Error(err)
		}
	})
	return p
}

// Main runs the tests, cleans up, ends the shared server and exits.
func Main(m *testing.M, cleanup ...func()) {
	code := m.Run()
	for _, f := range cleanup {
		f()
	}
	shared.Lock()
	defer shared.Unlock()
	if stop := shared.server.stop; stop != nil {
		if err := stop(); err != nil {
			fmt.Fprintln(os.Stderr, "redistest:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

func notShort(tb testing.TB) {
	tb.Helper()
	if testing.Short() {
		tb.Skip("needs a Redis server: not with -short")
	}
}
