package proxy_test

import (
	"bytes"
	"context"
	"runtime/pprof"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/integration/proxy"
	"github.com/tidemill/tidemill/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// world is one test's proxy with a client on each side of it. Its cleanup checks
// that the proxy leaves no goroutine behind.
type world struct {
	*testing.T
	proxy  *proxy.Proxy
	client *redis.Client // through the proxy
	direct *redis.Client
	key    string // that no other test uses
}

func setup(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	o, err := redis.ParseURL(redistest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, direct: redis.NewClient(o), key: redistest.Namespace(t)}
	t.Cleanup(func() { w.direct.Close() })
	// Goroutines inherit the labels of the one that starts them.
	pprof.Do(t.Context(), pprof.Labels("proxy", w.key), func(context.Context) {
		w.proxy, err = proxy.New(o.Network, o.Addr)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	w.client = w.connect(2)
	return w
}

// connect makes a client with one connection and no second tries.
func (w *world) connect(protocol int) *redis.Client {
	c := redis.NewClient(&redis.Options{
		Addr: w.proxy.Addr(), Protocol: protocol, MaxRetries: -1, PoolSize: 1, DialerRetries: 1,
		ReadTimeout: 10 * time.Second, ContextTimeoutEnabled: true,
	})
	w.Cleanup(func() { c.Close() })
	return c
}

func (w *world) close() {
	if err := w.proxy.Close(); err != nil {
		w.Error(err)
	}
	label := strconv.Quote(w.key)
	var profile bytes.Buffer
	w.until("no goroutine is left", func() bool {
		profile.Reset()
		if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
			w.Fatal(err)
		}
		return !bytes.Contains(profile.Bytes(), []byte(label))
	})
}

// until waits for ok.
func (w *world) until(what string, ok func() bool) {
	w.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-end:
			w.Fatalf("not within 10 s: %s", what)
		case <-tick.C:
		}
	}
}

// ping goes through the proxy and must be answered; after a fault it may take a
// connection that the client did not know to be broken.
func (w *world) ping() {
	w.Helper()
	w.until("the client is answered", func() bool { return w.client.Ping(w.Context()).Err() == nil })
}

// stored is what the server holds in the test's key, "" for nothing.
func (w *world) stored() string {
	w.Helper()
	got, err := w.direct.Get(w.Context(), w.key).Result()
	if err != nil && err != redis.Nil {
		w.Fatal(err)
	}
	return got
}

// within is a context that ends soon.
func (w *world) within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(w.Context(), d)
	w.Cleanup(cancel)
	return ctx
}
