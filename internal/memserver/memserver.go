package memserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// ErrClosed is the error of a dial to a server that has ended.
var ErrClosed = errors.New("memserver: closed")

// Server is one opener's hold on an in-process server. Its methods may be
// called from several goroutines.
type Server struct {
	name  string
	share *share
	close func() error // drop, once
}

// share is one running server and how many hold it.
type share struct {
	backend *backend
	openers int // guarded by named
}

// named holds the servers that others may join.
var named = struct {
	sync.Mutex
	shares map[string]*share
}{shares: map[string]*share{}}

// Open starts a private server, or, given a name, joins the server that this
// process runs under that name and starts it if there is none. Each Open needs
// its Close.
func Open(name string) (*Server, error) {
	named.Lock()
	defer named.Unlock()
	sh := named.shares[name]
	if sh == nil {
		b, err := newBackend()
		if err != nil {
			return nil, fmt.Errorf("open mem://%s: %w", name, err)
		}
		sh = &share{backend: b}
		if name != "" {
			named.shares[name] = sh
		}
	}
	sh.openers++
	s := &Server{name: name, share: sh}
	s.close = sync.OnceValue(s.drop)
	return s, nil
}

// Dialer is what redis.Options.Dialer wants; it ignores network and address.
// The connections end when the server does, not with this handle.
func (s *Server) Dialer() func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("dial mem://%s: %w", s.name, context.Cause(ctx))
		}
		c, err := s.share.backend.dial()
		if err != nil {
			return nil, fmt.Errorf("dial mem://%s: %w", s.name, err)
		}
		return c, nil
	}
}

// Close gives the server back. The last Close breaks its connections, forgets
// its data and returns when its goroutines have ended. Closing twice is closing
// once.
func (s *Server) Close() error { return s.close() }

func (s *Server) drop() error {
	named.Lock()
	s.share.openers--
	last := s.share.openers == 0
	if last && s.name != "" {
		delete(named.shares, s.name) // who opens the name from here on gets a new server
	}
	named.Unlock()
	if last {
		s.share.backend.stop()
	}
	return nil
}
