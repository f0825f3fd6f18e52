package proxy

import "time"

// stormWindow is the span in which requests are counted while the server is away.
const stormWindow = 100 * time.Millisecond

// Counts is what a proxy has seen since New.
type Counts struct {
	Accepted int // connections, the refused ones too
	Commands int // read from clients, forwarded or not
	Dropped  int // replies lost by DropReply and After
	Resets   int // connections

	// The most commands and connection attempts within any 100 ms while the
	// server was away: in a hole of either direction, refused, or not reachable.
	// A pipeline counts by its commands.
	StormConn  int // of one connection
	StormTotal int // of all together
}

// window remembers the moments of the last stormWindow.
type window struct {
	seen []time.Time
}

// add answers how many there are, the new one included.
func (w *window) add(now time.Time) int {
	old := 0
	for old < len(w.seen) && now.Sub(w.seen[old]) >= stormWindow {
		old++
	}
	w.seen = append(w.seen[:0], w.seen[old:]...)
	w.seen = append(w.seen, now)
	return len(w.seen)
}

// attemptLocked counts a command or a connection that came while the server is away.
func (p *Proxy) attemptLocked(l *link) {
	if !p.holeRequests && !p.holeReplies && !p.refuse && !p.unreachable {
		return
	}
	now := time.Now()
	p.counts.StormConn = max(p.counts.StormConn, l.attempts.add(now))
	p.counts.StormTotal = max(p.counts.StormTotal, p.attempts.add(now))
}

// Counts returns a copy of the counters.
func (p *Proxy) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts
}
