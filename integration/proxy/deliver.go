package proxy

import (
	"bufio"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"time"
)

// lineLength is how many chunks may be under way to a client.
const lineLength = 64

// A chunk of replies is under way to the client.
type chunk struct {
	due  time.Time
	b    []byte
	last ending
}

// ending is what follows a chunk.
type ending int

const (
	goesOn ending = iota
	closes
	resets
)

// replies takes the answers of the server apart, and sends them down the line.
func (l *link) replies(server net.Conn, line chan<- chunk) {
	defer close(line)
	send := &sender{l: l, line: line}
	out := bufio.NewWriterSize(send, bufSize)
	in := bufio.NewReaderSize(eager{server, out.Flush}, bufSize)
	for {
		s, err := l.reply(out, in)
		if err != nil {
			out.Flush()
			if !l.loses(replies) { // else the client does not hear that it is over
				send.end(endingOf(err))
			}
			return
		}
		if s.verdict != Forward {
			l.p.dropped()
			if s.verdict == After {
				s.execute()
			}
			out.Flush() // the replies before it
			send.end(resets)
			return
		}
	}
}

// reply copies one, unless it shall be lost.
func (l *link) reply(out io.Writer, in *bufio.Reader) (sentence, error) {
	first, err := in.Peek(1)
	if err != nil {
		return sentence{}, err
	}
	if first[0] == '>' { // nobody's answer: a push of RESP3
		return sentence{}, copyReply(out, in)
	}
	s := l.unsettled.pop()
	if s.verdict != Forward {
		out = io.Discard
	}
	return s, copyReply(out, in)
}

func endingOf(err error) ending {
	if errors.Is(err, io.EOF) || errors.Is(err, errFrame) {
		return closes
	}
	return resets
}

func (p *Proxy) dropped() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.Dropped++
}

// delay of what arrives now.
func (p *Proxy) delay() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.jitter <= 0 {
		return p.latency
	}
	return p.latency + rand.N(p.jitter)
}

// sender puts chunks on the line, each due when it has been long enough under way.
type sender struct {
	l    *link
	line chan<- chunk
	due  time.Time // of the last one: none overtakes another
}

// Write sends a copy.
func (s *sender) Write(b []byte) (int, error) {
	return len(b), s.put(chunk{b: append([]byte(nil), b...)})
}

func (s *sender) end(e ending) { s.put(chunk{last: e}) }

func (s *sender) put(c chunk) error {
	c.due = time.Now().Add(s.l.p.delay())
	if c.due.Before(s.due) {
		c.due = s.due
	}
	s.due = c.due
	select {
	case s.line <- c:
		return nil
	case <-s.l.done:
		return net.ErrClosed
	}
}

// deliver writes to the client what is due, until the line or the link ends.
func (l *link) deliver(line <-chan chunk) {
	for c := range line {
		if !l.wait(time.Until(c.due)) {
			return
		}
		if len(c.b) > 0 && !l.down(c.b) {
			l.end(true)
			return
		}
		if c.last != goesOn && !l.loses(replies) {
			l.end(c.last == resets)
		}
	}
}

// down writes replies to the client; false ends the link.
func (l *link) down(b []byte) bool {
	if l.loses(replies) {
		return true
	}
	b, cut := l.upToCut(b)
	err := l.paced(l.client, b)
	if cut {
		return false
	}
	// Nor does the server hear from a client that is gone when there is a hole.
	return err == nil || l.loses(requests)
}

// upToCut answers how much of b comes through, and whether that was the last.
func (l *link) upToCut(b []byte) (rest []byte, cut bool) {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	if l.cut == uncut {
		return b, false
	}
	n := min(l.cut, len(b))
	l.cut -= n
	return b[:n], l.cut == 0
}

// paced writes as fast as Throttle allows.
func (l *link) paced(to io.Writer, b []byte) error {
	for len(b) > 0 {
		l.p.mu.Lock()
		rate := l.p.rate
		l.p.mu.Unlock()
		n := len(b)
		if rate > 0 {
			n = min(n, max(rate/20, 1)) // as much as comes through in 50 ms
			if !l.wait(time.Duration(n) * time.Second / time.Duration(rate)) {
				return net.ErrClosed
			}
		}
		if _, err := to.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// wait is false when the link ended first.
func (l *link) wait(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.done:
		return false
	}
}
