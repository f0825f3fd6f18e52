package proxy_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// raw is a connection through the proxy without a client's cleverness.
type raw struct {
	net.Conn
	w *world
}

func (w *world) dial() raw {
	w.Helper()
	c, err := net.Dial("tcp", w.proxy.Addr())
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { c.Close() })
	return raw{c, w}
}

// ask sends one command; whether it arrives is seen by the answer.
func (r raw) ask(words ...string) { io.WriteString(r, command(words...)) }

func command(words ...string) string {
	s := fmt.Sprintf("*%d\r\n", len(words))
	for _, word := range words {
		s += fmt.Sprintf("$%d\r\n%s\r\n", len(word), word)
	}
	return s
}

func (r raw) expect(want string) {
	r.w.Helper()
	r.SetReadDeadline(time.Now().Add(10 * time.Second))
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
		r.w.Fatalf("got %q, %v, want %q", got, err, want)
	}
}

// silent answers an error if anything arrives within d, the end included.
func (r raw) silent(d time.Duration) error {
	r.SetReadDeadline(time.Now().Add(d))
	n, err := r.Read(make([]byte, 1))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return fmt.Errorf("%d bytes, %w", n, err)
}

// ended answers how the connection ended, nil if it did not.
func (r raw) ended() error {
	r.SetReadDeadline(time.Now().Add(10 * time.Second))
	for {
		_, err := r.Read(make([]byte, 4096))
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
