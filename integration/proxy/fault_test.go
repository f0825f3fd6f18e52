package proxy_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
)

func TestForward(t *testing.T) {
	t.Parallel()
	for _, protocol := range []int{2, 3} {
		t.Run("RESP"+string(rune('0'+protocol)), func(t *testing.T) {
			w := setup(t)
			c := w.connect(protocol)
			big := strings.Repeat("\r\n$1\x00", 5<<20/5)
			if err := c.Set(t.Context(), w.key, big, time.Minute).Err(); err != nil {
				t.Fatal(err)
			}
			if w.stored() != big {
				t.Error("a large value came out changed")
			}
			var got []*redis.StringCmd
			if _, err := c.Pipelined(t.Context(), func(p redis.Pipeliner) error {
				for range 5 {
					got = append(got, p.Get(t.Context(), w.key))
				}
				p.ConfigGet(t.Context(), "*") // a map in RESP3
				p.ZRangeWithScores(t.Context(), "none", 0, 1)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			for _, g := range got {
				if g.Val() != big {
					t.Error("a large reply came out changed")
				}
			}
			if err := c.Do(t.Context(), "NONSENSE").Err(); err == nil || !strings.HasPrefix(err.Error(), "ERR unknown") {
				t.Errorf("an error of the server: got %v", err)
			}
		})
	}
}

func TestLatency(t *testing.T) {
	w := setup(t)
	w.ping()
	const d, jitter = 60 * time.Millisecond, 20 * time.Millisecond
	w.proxy.Latency(d, jitter)
	start := time.Now()
	const n = 3
	for range n {
		if err := w.client.Ping(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if got := time.Since(start); got < n*d || got > n*(d+jitter)+3*time.Second {
		t.Errorf("%d pings took %v, want about %v", n, got, n*(d+jitter/2))
	}
	// A large reply is late once, not chunk by chunk.
	w.direct.Set(t.Context(), w.key, strings.Repeat("x", 4<<20), time.Minute)
	w.proxy.Latency(200*time.Millisecond, 0)
	start = time.Now()
	if err := w.client.Get(t.Context(), w.key).Err(); err != nil {
		t.Fatal(err)
	}
	if got := time.Since(start); got > 5*time.Second {
		t.Errorf("4 MiB took %v", got)
	}
	w.proxy.Latency(0, 0)
	w.ping()
}

func TestThrottle(t *testing.T) {
	w := setup(t)
	w.ping()
	w.direct.Set(t.Context(), w.key, strings.Repeat("x", 100_000), time.Minute)
	w.proxy.Throttle(200_000)
	start := time.Now()
	if err := w.client.Get(t.Context(), w.key).Err(); err != nil {
		t.Fatal(err)
	}
	if got := time.Since(start); got < 400*time.Millisecond {
		t.Errorf("100 kB at 200 kB/s took %v", got)
	}
	w.proxy.Throttle(0)
	w.ping()
}

func TestReset(t *testing.T) {
	w := setup(t)
	c := w.dial()
	c.ask("PING")
	c.expect("+PONG\r\n")
	w.proxy.Reset()
	if err := c.ended(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want a reset", err)
	}
	if got := w.proxy.Counts().Resets; got != 1 {
		t.Errorf("resets: got %d, want 1", got)
	}
	w.ping()
}

func TestRefuse(t *testing.T) {
	w := setup(t)
	old := w.dial()
	old.ask("PING")
	old.expect("+PONG\r\n")
	w.proxy.Refuse(true)
	if err := old.ended(); err == nil {
		t.Error("the old connection goes on")
	}
	if err := w.client.Ping(t.Context()).Err(); err == nil {
		t.Error("a new connection is served")
	}
	if got := w.proxy.Counts(); got.StormTotal == 0 {
		t.Errorf("counts: got %+v, want the attempts", got)
	}
	w.proxy.Refuse(false)
	w.ping()
}

func TestCut(t *testing.T) {
	w := setup(t)
	for _, n := range []int{0, 3, 7, 20} {
		c := w.dial()
		c.ask("PING")
		c.expect("+PONG\r\n")
		w.proxy.Cut(n)
		io.WriteString(c, strings.Repeat(command("PING"), 3)) // at once: a write would swallow the reset
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
		got, err := io.ReadAll(c)
		if want := strings.Repeat("+PONG\r\n", 3)[:n]; string(got) != want || !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("cut %d: got %q, %v, want %q and a reset", n, got, err, want)
		}
	}
	w.ping() // new connections are not cut
}

func TestPoint(t *testing.T) {
	w := setup(t)
	w.proxy.Point("unix", "/does/not/exist")
	if err := w.client.Ping(t.Context()).Err(); err == nil {
		t.Error("got an answer from nowhere")
	}
	server := redistest.Start(t, redisproc.Options{TCP: true})
	w.proxy.Point("tcp", strings.TrimPrefix(server.URL(), "redis://"))
	w.ping()
	w.client.Set(t.Context(), w.key, "there", 0)
	o, err := redis.ParseURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	w.direct = redis.NewClient(o)
	defer w.direct.Close()
	if got := w.stored(); got != "there" {
		t.Errorf("the other server: got %q", got)
	}
}

func TestGarbage(t *testing.T) {
	w := setup(t)
	for _, in := range []string{
		"PING\r\n", "*0\r\n", "*-1\r\n", "*1\r\n$-1\r\n", "*1\r\n$4\r\nPINGxx", "*1\n", "*99999999999\r\n",
		"*1\r\n:1\r\n", "*1\r\n$9999999999\r\n", "\r\n", "\x16\x03\x01\x02\x00", strings.Repeat("*", 1<<17),
	} {
		c := w.dial()
		io.WriteString(c, in)
		if err := c.ended(); err == nil {
			t.Errorf("%.20q: the connection goes on", in)
		}
	}
	w.ping()
}

// A server that does not speak the protocol is left.
func TestGarbageFromServer(t *testing.T) {
	w := setup(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	w.proxy.Point("tcp", listener.Addr().String())
	for _, in := range []string{"HTTP/1.1 400 Bad Request\r\n", "*x\r\n", "$3\r\nabcd\r\n", "$-2\r\n"} {
		c := w.dial()
		server, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(server, in)
		if err := c.ended(); err == nil {
			t.Errorf("%q: the connection goes on", in)
		}
		server.Close()
	}
}
