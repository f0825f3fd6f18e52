package bench

import (
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"time"
)

// delay is a listener before a server that holds every request back for a while.
// It passes bytes on in order, each as long after it came, so it adds to the time
// of a round trip and takes nothing from the throughput of a pipeline.
type delay struct {
	to   string
	by   time.Duration
	in   net.Listener
	done sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn // nil once closed
}

// slow lets this round reach its server through a delay, until end is called.
func (r *run) slow(by time.Duration) (end func(), err error) {
	u, err := url.Parse(r.server.url)
	if err != nil {
		return nil, err
	}
	in, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &delay{to: u.Host, by: by, in: in, conns: []net.Conn{}}
	u.Host = in.Addr().String()
	db, err := connect(u.String())
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	r.url, r.db = u.String(), db
	d.done.Go(d.accept)
	return func() {
		_ = db.Close()
		d.close()
	}, nil
}

// accept ends when in is closed.
func (d *delay) accept() {
	for {
		client, err := d.in.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", d.to)
		if err != nil {
			_ = client.Close()
			continue
		}
		if !d.keep(client, server) {
			return
		}
		d.done.Go(func() { d.hold(server, client) })
		d.done.Go(func() {
			_, _ = io.Copy(client, server)
			_ = client.Close()
		})
	}
}

// keep remembers connections, which close ends. False: it has.
func (d *delay) keep(conns ...net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conns == nil {
		for _, c := range conns {
			_ = c.Close()
		}
		return false
	}
	d.conns = append(d.conns, conns...)
	return true
}

// held is what was read, and when it may go on.
type held struct {
	data []byte
	at   time.Time
}

// hold passes on what comes from src, each piece by later.
func (d *delay) hold(dst, src net.Conn) {
	queue := make(chan held, 1024)
	d.done.Go(func() { // ends when queue is closed
		for h := range queue {
			time.Sleep(time.Until(h.at))
			_, _ = dst.Write(h.data) // when it fails, src ends too
		}
		_ = dst.Close()
	})
	defer close(queue)
	for {
		buf := make([]byte, 64<<10)
		n, err := src.Read(buf)
		if n > 0 {
			queue <- held{buf[:n], time.Now().Add(d.by)}
		}
		if err != nil {
			return
		}
	}
}

func (d *delay) close() {
	_ = d.in.Close()
	d.mu.Lock()
	for _, c := range d.conns {
		_ = c.Close()
	}
	d.conns = nil
	d.mu.Unlock()
	d.done.Wait()
}
