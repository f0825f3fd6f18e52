package memserver

import (
	"net"
	"sync"
)

// conn is the server's end of a connection: a net.Pipe whose writes do not wait.
//
// A pipe has no buffer. While a client writes a long pipeline it reads nothing,
// so a server that waits for its replies to be read stops reading, and both
// stand still until a timeout. A socket hides this in the kernel's buffers;
// here Write appends to out, and pump carries out to the client.
//
//  1. Replies leave in the order of their Writes, from one goroutine, pump.
//  2. pump ends when the conn is closed or its client is gone.
//  3. out grows with what the client has asked for and not yet read.
type conn struct {
	net.Conn
	arrived func() // called before the server sees new bytes

	mu     sync.Mutex
	more   sync.Cond // out has grown, or closed is set
	out    []byte
	closed bool
}

func newConn(end net.Conn, arrived func()) *conn {
	c := &conn{Conn: end, arrived: arrived}
	c.more.L = &c.mu
	return c
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.arrived()
	}
	return n, err
}

func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, net.ErrClosed
	}
	c.out = append(c.out, p...)
	c.more.Signal()
	return len(p), nil
}

// Close drops what pump has not delivered.
func (c *conn) Close() error {
	c.mute()
	return c.Conn.Close()
}

// mute makes every later Write fail.
func (c *conn) mute() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.more.Signal()
}

// pump delivers replies until the connection ends.
func (c *conn) pump() {
	var batch []byte
	for {
		c.mu.Lock()
		for len(c.out) == 0 && !c.closed {
			c.more.Wait()
		}
		if c.closed {
			c.mu.Unlock()
			return
		}
		batch, c.out = c.out, batch[:0]
		c.mu.Unlock()
		if _, err := c.Conn.Write(batch); err != nil {
			c.mute()
			return
		}
	}
}
