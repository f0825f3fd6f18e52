package engine_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/internal/redistest"
)

// How a gateway treats connections.
const (
	forwards = iota
	slams    // accepts and closes
	swallows // takes requests and never answers; nor do these connections later
)

// gateway stands between an engine and Redis, goes away in one of two ways, and
// counts what comes meanwhile.
type gateway struct {
	listener      net.Listener
	network, addr string
	wg            sync.WaitGroup

	mu       sync.Mutex // guards what follows
	mode     int
	conns    map[net.Conn]bool // true: it has lost its other end
	accepted int
	requests map[net.Conn][]time.Time // of those
}

func newGateway(t *testing.T) *gateway {
	t.Helper()
	o, err := redis.ParseURL(redistest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{network: o.Network, addr: o.Addr, conns: map[net.Conn]bool{}, listener: listen(t)}
	g.wg.Go(func() {
		for {
			c, err := g.listener.Accept()
			if err != nil {
				return
			}
			g.wg.Go(func() { g.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = g.listener.Close()
		g.become(slams)
		g.wg.Wait()
	})
	return g
}

// become changes the mode.
func (g *gateway) become(mode int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mode, g.accepted, g.requests = mode, 0, map[net.Conn][]time.Time{}
	for c := range g.conns {
		switch mode {
		case slams:
			_ = c.Close()
		case swallows:
			g.conns[c] = true
		}
	}
}

func (g *gateway) serve(client net.Conn) {
	defer client.Close()
	g.mu.Lock()
	g.accepted++
	away := g.mode == slams
	g.conns[client] = g.mode == swallows
	g.mu.Unlock()
	if away {
		return
	}
	server, err := net.Dial(g.network, g.addr)
	if err != nil {
		return
	}
	defer server.Close()
	g.wg.Go(func() {
		defer client.Close()
		g.copy(client, server, client)
	})
	g.copy(server, client, client)
}

// copy passes bytes on, or counts requests and throws answers away.
func (g *gateway) copy(to, from, client net.Conn) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		g.mu.Lock()
		silent := g.conns[client]
		if silent && from == client {
			g.requests[from] = append(g.requests[from], time.Now())
		}
		g.mu.Unlock()
		if silent {
			continue
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// hurried is how often a connection was asked twice within 100 ms.
func (g *gateway) hurried() (requests, hurried int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, at := range g.requests {
		requests += len(at)
		for i := range at[1:] {
			if at[i+1].Sub(at[i]) < 100*time.Millisecond {
				hurried++
			}
		}
	}
	return requests, hurried
}

// TestCalm: a busy node whose server is away for two seconds, refusing or silent,
// asks calmly, and its work goes on soon after the server is back.
func TestCalm(t *testing.T) {
	t.Parallel()
	for _, away := range []struct {
		name string
		mode int
		back time.Duration // a connection that lost its other end is found by its read timeout
	}{{"closes", slams, 5 * time.Second}, {"silent", swallows, 8 * time.Second}} {
		t.Run(away.name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t)
			eng, err := engine.Open(t.Context(), "redis://"+g.listener.Addr().String(), engine.Options{
				Namespace: redistest.Namespace(t), Lease: time.Second, Drain: time.Second,
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = eng.Close() })
			roundTrip := busy(t, eng)
			roundTrip()

			g.become(away.mode)
			<-time.After(2 * time.Second)
			g.mu.Lock()
			accepted := g.accepted
			g.mu.Unlock()
			requests, hurried := g.hurried()
			t.Logf("%d connections, %d requests in 2 s", accepted, requests)
			if accepted > maxCalm || hurried > 0 {
				t.Errorf("%d connections in 2 s, at most %d; %d requests within 100 ms of the last on one", accepted, maxCalm, hurried)
			}
			soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if err := eng.Ready(soon); err == nil {
				t.Error("ready, without a server")
			}

			g.become(forwards)
			back := time.Now()
			roundTrip()
			t.Logf("work went on after %s", time.Since(back).Round(time.Millisecond))
			if d := time.Since(back); d > away.back {
				t.Errorf("work went on after %s", d)
			}
			eventually(t, "ready again", func() bool { return eng.Ready(t.Context()) == nil })
		})
	}
}

// maxCalm is how many connections a node with one queue may try in two seconds: a
// dozen loops, each at most every 100 ms at first and every second in the end.
const maxCalm = 80

// busy runs an engine with producers. roundTrip returns when a task that it
// enqueues has run.
func busy(t *testing.T, eng *engine.Engine) (roundTrip func()) {
	t.Helper()
	marked := make(chan bool, 1)
	typ := engine.Define[bool]("t")
	engine.Handle(eng, typ, func(_ context.Context, mark bool) error {
		if mark {
			marked <- true
		}
		return nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = eng.Run(ctx) })
	for i := range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				_, _ = typ.Enqueue(ctx, eng, false, engine.In(time.Duration(i%2)*time.Millisecond))
			}
		})
	}
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return func() {
		enqueue(t, eng, typ, true)
		<-marked
	}
}
