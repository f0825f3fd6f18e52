package proxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"sync"
)

// uncut is link.cut of a connection that shall not be cut.
const uncut = -1

// A link is one connection of a client with the one to the server that belongs
// to it. Three goroutines work on it: requests copies commands to the server,
// replies takes the answers apart, deliver writes them to the client in time.
//
//  1. end is the only way out: it closes both sides, and with that all three end.
//  2. What vanishes in a hole is noted in lostRequests or lostReplies under the
//     lock under which the hole was seen: Hole finds every broken link.
type link struct {
	p         *Proxy
	client    net.Conn
	done      <-chan struct{} // closed by end
	cancel    context.CancelFunc
	unsettled sentences
	once      sync.Once // of end

	// Guarded by Proxy.mu:

	server                    net.Conn // nil: void, or not there yet
	lostRequests, lostReplies bool
	cut                       int // bytes of replies until the end; uncut: none
	attempts                  window
}

// run serves the link until it has ended.
func (l *link) run(ctx context.Context) {
	defer l.end(false)
	void, err := l.p.admit(l)
	if err != nil {
		l.end(true)
		return
	}
	if void {
		l.requests(nil)
		return
	}
	server, err := l.p.dial(ctx)
	if err != nil || !l.join(server) {
		l.end(true)
		return
	}
	line := make(chan chunk, lineLength) // closed by replies
	var wg sync.WaitGroup
	wg.Go(func() { l.requests(server) })
	wg.Go(func() { l.replies(server, line) })
	wg.Go(func() { l.deliver(line) })
	wg.Wait()
}

// join gives the link its server, unless it ended meanwhile.
func (l *link) join(server net.Conn) bool {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	if _, open := l.p.links[l]; !open {
		server.Close()
		return false
	}
	l.server = server
	return true
}

// end closes both sides, by RST if reset is set.
func (l *link) end(reset bool) {
	l.once.Do(func() {
		l.p.mu.Lock()
		server := l.server
		delete(l.p.links, l)
		if reset {
			l.p.counts.Resets++
		}
		l.p.mu.Unlock()
		l.cancel()
		for _, c := range []net.Conn{l.client, server} {
			if tcp, ok := c.(*net.TCPConn); ok && reset {
				tcp.SetLinger(0)
			}
			if c != nil {
				c.Close()
			}
		}
	})
}

// requests copies commands to the server; without one they vanish.
func (l *link) requests(server net.Conn) {
	out := bufio.NewWriterSize(up{l, server}, bufSize)
	in := bufio.NewReaderSize(eager{l.client, out.Flush}, bufSize)
	var q request
	for {
		if err := q.read(in); err != nil {
			l.requestsEnded(err, server)
			return
		}
		if l.vanishes() || server == nil {
			continue
		}
		s := l.p.decide(q.words)
		if s.verdict == Swallow || s.verdict == Before {
			out.Flush() // what came before it is not swallowed
			if s.verdict == Before {
				s.execute()
			}
			l.end(true)
			return
		}
		l.unsettled.push(s) // before the server can answer
		if _, err := out.Write(q.raw); err != nil {
			return // up has ended the link
		}
	}
}

// vanishes counts a command, and answers whether there is a hole in its way.
func (l *link) vanishes() bool {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	l.p.counts.Commands++
	l.p.attemptLocked(l)
	if l.p.holeRequests {
		l.lostRequests = true
	}
	return l.p.holeRequests
}

// requestsEnded passes on that the client has closed, as TCP would.
func (l *link) requestsEnded(err error, server net.Conn) {
	l.p.mu.Lock()
	hole := l.p.holeRequests && server != nil
	if hole {
		l.lostRequests = true
	}
	l.p.mu.Unlock()
	half, ok := server.(interface{ CloseWrite() error })
	switch {
	case hole:
		<-l.done // the server goes on with a client that is no more
	case ok && errors.Is(err, io.EOF) && half.CloseWrite() == nil:
		// The server answers what it has and closes; replies sees that.
	default:
		l.end(!errors.Is(err, io.EOF) && !errors.Is(err, errFrame))
	}
}

// up writes to the server.
type up struct {
	l      *link
	server net.Conn
}

// Write ends the link when the server is gone, unless no news may come from there.
func (u up) Write(b []byte) (int, error) {
	err := u.l.paced(u.server, b)
	if err == nil || u.l.loses(replies) {
		return len(b), nil
	}
	u.l.end(true)
	return 0, err
}

// direction of the bytes of a link.
type direction bool

const (
	requests direction = false
	replies  direction = true
)

// loses answers whether a direction is a hole, and notes that the link lost
// something in it.
func (l *link) loses(d direction) bool {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	hole, lost := l.p.holeRequests, &l.lostRequests
	if d == replies {
		hole, lost = l.p.holeReplies, &l.lostReplies
	}
	*lost = *lost || hole
	return hole
}
