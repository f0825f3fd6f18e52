package memserver

import (
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// backend is one running miniredis.
type backend struct {
	redis *miniredis.Miniredis
	// srv is redis.Server(), kept because Miniredis clears its own pointer
	// when it closes while connections may still be using it.
	srv   *server.Server
	clock *clock
	pumps sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  map[*conn]struct{}
}

func newBackend() (*backend, error) {
	m := miniredis.NewMiniRedis()
	c, err := m.Dial() // the only way to start one without a listener
	if err != nil {
		return nil, fmt.Errorf("start miniredis: %w", err)
	}
	c.Close()
	b := &backend{
		redis: m,
		srv:   m.Server(),
		clock: newClock(m),
		conns: map[*conn]struct{}{},
	}
	info, entries := newInfo(b.srv), newEntries()
	b.srv.SetPreHook(func(c *server.Peer, cmd string, args ...string) bool {
		return readScript(b.srv, c, cmd, args) || info.hook(c, cmd, args...) || entries.hook(c, cmd, args...)
	})
	return b, nil
}

// readScript runs the scripts of EVAL_RO and EVALSHA_RO as any other: miniredis
// takes TIME, INFO and more for commands that write.
func readScript(srv *server.Server, c *server.Peer, cmd string, args []string) bool {
	plain, ok := strings.CutSuffix(cmd, "_RO")
	if ok && strings.HasPrefix(plain, "EVAL") {
		srv.Dispatch(c, append([]string{plain}, args...))
		return true
	}
	return false
}

// dial returns the client's end of a new connection.
func (b *backend) dial() (net.Conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, ErrClosed
	}
	client, end := net.Pipe()
	c := newConn(end, b.clock.catchUp)
	b.conns[c] = struct{}{}
	b.pumps.Go(func() {
		c.pump()
		b.mu.Lock()
		delete(b.conns, c)
		b.mu.Unlock()
	})
	b.srv.ServeConn(c)
	return client, nil
}

// stop ends everything. Miniredis.Close comes last: it forgets the server before
// the last command has ended, and scripts call back into it.
func (b *backend) stop() {
	b.mu.Lock()
	b.closed = true
	for c := range b.conns {
		c.mute() // what a broken wait answers next must not reach its client
	}
	b.mu.Unlock()

	// Blocked commands look at Ctx. Cancelling under the lock that they hold
	// while looking leaves no moment in which one could miss its wake-up.
	b.redis.Lock()
	b.redis.CtxCancel()
	b.redis.Unlock()

	b.srv.Close() // closes every conn and waits for their commands
	b.redis.Close()
	b.pumps.Wait()
}
