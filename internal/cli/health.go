package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/tidemill/tidemill/engine"
)

// readyWithin bounds the question to Redis behind /readyz; probes ask again.
const readyWithin = 2 * time.Second

// health serves two questions of whoever runs this process: /healthz, does it
// live, and /readyz, should it get work. Answers are text, 200 or 503. They tell
// nothing about tasks or where Redis is, so that any address may serve them.
type health struct {
	listener net.Listener // nil: nobody asked for it
	server   *http.Server
	serving  sync.WaitGroup
}

// startHealth listens at addr; an empty one is no health and no error. The
// worker is ready when ready says so.
func startHealth(ctx context.Context, addr string, ready func(context.Context) error) (*health, error) {
	h := &health{}
	if addr == "" {
		return h, nil
	}
	addr, err := healthAddr(addr)
	if err != nil {
		return nil, err
	}
	if h.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", addr); err != nil {
		return nil, fmt.Errorf("--health: %w", err)
	}
	h.server = &http.Server{Handler: healthHandler(ready), ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, MaxHeaderBytes: 8 << 10}
	h.serving.Go(func() { _ = h.server.Serve(h.listener) }) // ends by close
	return h, nil
}

// healthAddr reads an address as net.Listen does, and a lone port as one of
// 127.0.0.1: who wants to be asked from elsewhere says :PORT or HOST:PORT.
func healthAddr(addr string) (string, error) {
	port := addr
	if _, err := strconv.ParseUint(addr, 10, 16); err == nil {
		addr = net.JoinHostPort("127.0.0.1", port)
	} else if _, port, err = net.SplitHostPort(addr); err != nil {
		return "", usage(fmt.Errorf("--health %q: want PORT, :PORT or HOST:PORT", addr))
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", usage(fmt.Errorf("--health %q: port %q is no number up to 65535", addr, port))
	}
	return addr, nil
}

// addr is where it listens.
func (h *health) addr() string {
	if h.listener == nil {
		return ""
	}
	return h.listener.Addr().String()
}

func (h *health) close() {
	if h.server != nil {
		_ = h.server.Close()
	}
	h.serving.Wait()
}

func healthHandler(ready func(context.Context) error) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answerHealth(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyWithin)
		defer cancel()
		answerHealth(w, unready(ready(ctx)))
	})
	return mux
}

// unready words why no work should come, without the address of Redis.
func unready(err error) error {
	if errors.Is(err, engine.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		return errors.New("redis does not answer")
	}
	if errors.Is(err, engine.ErrDraining) {
		return errors.New("draining")
	}
	return err
}

func answerHealth(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, oneLine(err.Error())+"\n")
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}
