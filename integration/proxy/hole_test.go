package proxy_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
)

func TestHole(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name              string
		requests, replies bool
		stored            string // after one INCR of an old connection
	}{
		{"requests", true, false, ""},
		{"replies", false, true, "1"},
		{"both", true, true, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := setup(t)
			w.ping()
			w.proxy.Hole(tt.requests, tt.replies)
			var timeout net.Error
			err := w.client.Incr(w.within(200*time.Millisecond), w.key).Err()
			if !errors.Is(err, context.DeadlineExceeded) && (!errors.As(err, &timeout) || !timeout.Timeout()) {
				t.Errorf("old connection: got %v, want a timeout", err)
			}
			if got := w.stored(); got != tt.stored {
				t.Errorf("stored: got %q, want %q", got, tt.stored)
			}
			fresh := w.dial()
			fresh.ask("PING")
			if err := fresh.silent(100 * time.Millisecond); err != nil {
				t.Errorf("new connection: got %v, want silence", err)
			}
			if got := w.proxy.Counts(); got.StormTotal < 2 || got.StormConn < 1 {
				t.Errorf("counts: got %+v, want the attempts in the hole", got)
			}
			w.proxy.Hole(false, false)
			if err := fresh.ended(); err == nil {
				t.Error("a connection that lost something answers after the hole")
			}
			w.ping()
		})
	}
}

// The server keeps a client that has left through a hole, until it heals.
func TestHoleHidesTheEnd(t *testing.T) {
	w := setup(t)
	c := w.dial()
	c.ask("BLPOP", w.key, "0")
	held := func() string {
		got, err := w.direct.ClientList(t.Context()).Result()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(got) {
			if strings.Contains(line, "cmd=blpop") && strings.Contains(line, "name="+w.key) {
				return line
			}
		}
		return ""
	}
	name := w.dial()
	name.ask("CLIENT", "SETNAME", w.key)
	name.ask("BLPOP", w.key, "0")
	w.until("the server holds the client", func() bool { return held() != "" })
	w.proxy.Hole(true, true)
	name.Close()
	if err := c.silent(200 * time.Millisecond); err != nil {
		t.Errorf("the other client: got %v, want silence", err)
	}
	if held() == "" {
		t.Error("the end of the client went through the hole")
	}
	w.proxy.Hole(false, false)
	w.until("the server is told", func() bool { return held() == "" })
}

// The end of a server does not come through a hole.
func TestHoleHidesTheServersEnd(t *testing.T) {
	w := setup(t)
	server := redistest.Start(t, redisproc.Options{TCP: true})
	w.proxy.Point("tcp", strings.TrimPrefix(server.URL(), "redis://"))
	c := w.dial()
	c.ask("PING")
	c.expect("+PONG\r\n")
	w.proxy.Hole(false, true)
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := c.silent(200 * time.Millisecond); err != nil {
		t.Errorf("got %v, want silence", err)
	}
	c.ask("PING")
	if err := c.silent(100 * time.Millisecond); err != nil {
		t.Errorf("got %v, want silence", err)
	}
	w.proxy.Hole(false, false)
	if err := c.ended(); err == nil {
		t.Error("the connection goes on")
	}
}
