package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/integration/proxy"
)

// on answers commands of one name with a verdict.
func on(name string, v proxy.Verdict, crash func()) proxy.OnFunc {
	return func(c proxy.Command) (proxy.Verdict, func()) {
		if c.Name == name {
			return v, crash
		}
		return proxy.Forward, nil
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		verdict  proxy.Verdict
		stored   string // after one INCR
		answered bool
		crashes  int32
		dropped  int
	}{
		{proxy.Forward, "1", true, 0, 0},
		{proxy.DropReply, "1", false, 0, 1},
		{proxy.Swallow, "", false, 0, 0},
		{proxy.Before, "", false, 1, 0},
		{proxy.After, "1", false, 1, 1},
	} {
		t.Run(tt.verdict.String(), func(t *testing.T) {
			w := setup(t)
			w.ping()
			var crashes atomic.Int32
			stored := make(chan string, 1) // at the crash
			w.proxy.On(on("INCR", tt.verdict, func() {
				crashes.Add(1)
				stored <- w.stored()
			}))
			err := w.client.Incr(t.Context(), w.key).Err()
			if (err == nil) != tt.answered {
				t.Errorf("got %v, want answered: %v", err, tt.answered)
			}
			if got := w.stored(); got != tt.stored {
				t.Errorf("stored: got %q, want %q", got, tt.stored)
			}
			if got := crashes.Load(); got != tt.crashes {
				t.Errorf("crashes: got %d, want %d", got, tt.crashes)
			} else if got > 0 && <-stored != tt.stored {
				t.Errorf("stored at the crash, want %q", tt.stored)
			}
			if got := w.proxy.Counts(); got.Dropped != tt.dropped || (got.Resets == 0) != tt.answered {
				t.Errorf("counts: got %+v, want %d dropped", got, tt.dropped)
			}
			w.proxy.On(nil)
			w.ping()
		})
	}
}

// Only the reply of the third of five commands is lost: those before it arrive,
// and all were executed.
func TestDropReplyInPipeline(t *testing.T) {
	w := setup(t)
	w.ping()
	n := 0
	w.proxy.On(func(c proxy.Command) (proxy.Verdict, func()) {
		if c.Name == "APPEND" {
			n++
		}
		if n == 3 && c.Name == "APPEND" {
			return proxy.DropReply, nil
		}
		return proxy.Forward, nil
	})
	c := w.dial()
	io.WriteString(c, strings.Repeat(command("APPEND", w.key, "x"), 5))
	c.expect(":1\r\n:2\r\n")
	if err := c.ended(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want a reset", err)
	}
	w.until("all are executed", func() bool { return w.stored() == "xxxxx" })
}

// A reply that takes long delays those after it, and is not confused with them.
func TestBlockedCommand(t *testing.T) {
	w := setup(t)
	w.ping()
	w.proxy.On(on("INCR", proxy.DropReply, nil))
	list := w.key + "-list"
	c := w.dial()
	c.ask("BLPOP", list, "0")
	c.ask("INCR", w.key)
	if err := c.silent(100 * time.Millisecond); err != nil {
		t.Errorf("got %v, want silence", err)
	}
	if w.stored() != "" {
		t.Error("the command after the blocked one was executed")
	}
	w.direct.RPush(t.Context(), list, "v")
	c.expect(fmt.Sprintf("*2\r\n$%d\r\n%s\r\n$1\r\nv\r\n", len(list), list))
	if err := c.ended(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v, want the second reply lost", err)
	}
	if w.stored() != "1" {
		t.Errorf("stored: got %q, want 1", w.stored())
	}
}

// Close returns while commands are blocked, replies delayed and bytes swallowed.
func TestCloseInTheMiddle(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(*proxy.Proxy){
		"healthy":  func(*proxy.Proxy) {},
		"latency":  func(p *proxy.Proxy) { p.Latency(time.Hour, time.Hour) },
		"throttle": func(p *proxy.Proxy) { p.Throttle(1) },
		"requests": func(p *proxy.Proxy) { p.Hole(true, false) },
		"replies":  func(p *proxy.Proxy) { p.Hole(false, true) },
		"hole":     func(p *proxy.Proxy) { p.Hole(true, true) },
	} {
		t.Run(name, func(t *testing.T) {
			w := setup(t)
			w.ping()
			before := w.proxy.Counts().Commands
			fault(w.proxy)
			ended := make(chan error, 2)
			for _, c := range []*redis.Client{w.client, w.connect(2)} { // an old and a new connection
				go func() { ended <- c.BLPop(context.Background(), 0, w.key).Err() }()
			}
			w.until("both have asked", func() bool { return w.proxy.Counts().Commands > before+1 })
			if err := w.proxy.Close(); err != nil {
				t.Error(err)
			}
			for range cap(ended) {
				if err := <-ended; err == nil {
					t.Error("got a reply")
				}
			}
		})
	}
}
