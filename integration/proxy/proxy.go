package proxy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"time"
)

const (
	dialWithin  = 5 * time.Second // to be accepted by the server
	acceptAgain = 5 * time.Millisecond
)

// Proxy is one listener with its connections. All methods may be called at any
// time and from several goroutines.
type Proxy struct {
	listener net.Listener
	wg       sync.WaitGroup // the accept loop and every connection

	mu            sync.Mutex // guards what follows
	closed        bool
	network, addr string // of new connections
	judge         *judge
	links         map[*link]struct{}
	counts        Counts
	attempts      window
	unreachable   bool // the last dial failed

	// The faults that are on.
	latency, jitter           time.Duration
	rate                      int
	holeRequests, holeReplies bool
	refuse                    bool
}

// New listens on a free port of 127.0.0.1 for connections to the server at addr,
// on network "tcp" or "unix". The server need not be there yet.
func New(network, addr string) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start proxy: %w", err)
	}
	p := &Proxy{listener: listener, network: network, addr: addr, links: map[*link]struct{}{}}
	p.wg.Go(p.accept) // joined by Close
	return p, nil
}

// Addr is where clients connect, as in "127.0.0.1:40001".
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Close ends all connections and joins all goroutines. It must not be called
// from On or a crash function. Closing twice is closing once.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	err := p.listener.Close()
	for _, l := range p.which(all) {
		l.end(false)
	}
	p.wg.Wait()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close proxy: %w", err)
	}
	return nil
}

// Point sends new connections to another server.
func (p *Proxy) Point(network, addr string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.network, p.addr = network, addr
	p.unreachable = false
}

// Latency delays every reply by d and up to jitter more, without changing their
// order. Zero heals.
func (p *Proxy) Latency(d, jitter time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latency, p.jitter = d, jitter
}

// Throttle lets so many bytes a second through each direction of each
// connection. Zero heals.
func (p *Proxy) Throttle(bytesPerSecond int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rate = bytesPerSecond
}

// Hole has the bytes of a direction vanish, ends of connections included, while
// everything looks alive. New connections are accepted; with requests set they
// never reach the server. A connection that lost something is reset when the
// direction heals.
func (p *Proxy) Hole(requests, replies bool) {
	p.mu.Lock()
	p.holeRequests, p.holeReplies = requests, replies
	p.mu.Unlock()
	broken := p.which(func(l *link) bool { return l.lostRequests && !requests || l.lostReplies && !replies })
	for _, l := range broken {
		l.end(true)
	}
}

// Refuse resets all connections, and new ones as soon as they are there.
func (p *Proxy) Refuse(on bool) {
	p.mu.Lock()
	p.refuse = on
	p.mu.Unlock()
	if on {
		p.Reset()
	}
}

// Reset sends an RST to both ends of every open connection.
func (p *Proxy) Reset() {
	for _, l := range p.which(all) {
		l.end(true)
	}
}

// Cut resets every open connection when n more bytes of replies have come through.
func (p *Proxy) Cut(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.cut = max(n, 0)
	}
}

func all(*link) bool { return true }

// which answers the open connections that fit. To end one takes the lock again.
func (p *Proxy) which(fit func(*link) bool) []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Collect(maps.Keys(p.links)), func(l *link) bool { return !fit(l) })
}

// accept serves connections until the listener is closed.
func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // the client gave up first, or there is no descriptor left
			time.Sleep(acceptAgain)
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		l := &link{p: p, client: client, done: ctx.Done(), cancel: cancel, cut: uncut}
		p.wg.Go(func() { l.run(ctx) })
	}
}

// admit registers a connection. It is refused with an error, and void if the
// server shall not hear of it.
func (p *Proxy) admit(l *link) (void bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.Accepted++
	p.links[l] = struct{}{}
	p.attemptLocked(l)
	l.lostRequests = p.holeRequests
	if p.closed || p.refuse {
		return false, net.ErrClosed
	}
	return p.holeRequests, nil
}

// dial connects to the server of the moment.
func (p *Proxy) dial(ctx context.Context) (net.Conn, error) {
	p.mu.Lock()
	network, addr := p.network, p.addr
	p.mu.Unlock()
	server, err := (&net.Dialer{Timeout: dialWithin}).DialContext(ctx, network, addr)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.network == network && p.addr == addr && ctx.Err() == nil {
		p.unreachable = err != nil
	}
	return server, err
}
