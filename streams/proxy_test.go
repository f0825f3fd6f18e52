package streams_test

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
)

// proxy stands between a log and the real server and loses replies.
type proxy struct {
	listener net.Listener

	mu            sync.Mutex // guards what follows
	network, addr string     // of the server
	watch         []byte     // requests that hold these bytes …
	lose          int        // … lose so many replies, and their connections
	lost          int
}

// newProxy starts a proxy and returns the URL that goes through it.
func newProxy(t *testing.T) (*proxy, string) {
	t.Helper()
	o, err := redis.ParseURL(redistest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{network: o.Network, addr: o.Addr}
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := p.listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		p.listener.Close()
		wg.Wait() // the log is closed before: its connections have ended
	})
	return p, "redis://" + p.listener.Addr().String()
}

// loseReplies loses the next n replies to calls of a script.
func (p *proxy) loseReplies(script string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watch, p.lose, p.lost = []byte(streams.ScriptSHA(script)), n, 0
}

// count is how many replies were lost since.
func (p *proxy) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}

// serve copies both ways until either side ends.
func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	p.mu.Lock()
	network, addr := p.network, p.addr
	p.mu.Unlock()
	server, err := net.Dial(network, addr)
	if err != nil {
		return
	}
	defer server.Close()
	var drop doomed
	var wg sync.WaitGroup
	wg.Go(func() {
		defer server.Close()
		p.requests(server, client, &drop)
	})
	buf := make([]byte, 64<<10)
	for {
		n, err := server.Read(buf)
		if n > 0 {
			if drop.is() { // the server has done it; nobody will know
				break
			}
			if _, err := client.Write(buf[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	client.Close()
	wg.Wait()
}

// requests copies what the client asks. Its calls come one after the other, so
// the reply that follows a watched one is its reply.
func (p *proxy) requests(server io.Writer, client io.Reader, drop *doomed) {
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if n > 0 {
			p.mu.Lock()
			if p.lose > 0 && bytes.Contains(buf[:n], p.watch) {
				p.lose--
				p.lost++
				drop.set()
			}
			p.mu.Unlock()
			if _, err := server.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// doomed is set when the next reply of a connection shall be lost.
type doomed struct {
	mu sync.Mutex
	on bool
}

func (d *doomed) set() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.on = true
}

func (d *doomed) is() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.on
}
