package rerun

import (
	"maps"
	"sync"

	"github.com/tidemill/tidemill/replay"
)

// ledger moves a cursor when several run at once: in each partition up to the
// first that is not done, so that nothing is left out by who goes on there. What
// was done beyond it is done once more.
type ledger struct {
	mu     sync.Mutex // guards what is below
	cursor replay.Cursor
	begun  map[string][]*ticket // by partition, in the order of the log
}

// ticket is one that was begun.
type ticket struct {
	place string
	mark  replay.Mark
	done  bool
}

func newLedger(c replay.Cursor) *ledger { return &ledger{cursor: c, begun: map[string][]*ticket{}} }

func (l *ledger) begin(r *Recorded) *ticket {
	t := &ticket{place: r.place.String(), mark: r.mark()}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun[t.place] = append(l.begun[t.place], t)
	return t
}

func (l *ledger) end(t *ticket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t.done = true
	open := l.begun[t.place]
	for len(open) > 0 && open[0].done {
		if l.cursor != nil {
			l.cursor[t.place] = open[0].mark
		}
		open = open[1:]
	}
	l.begun[t.place] = open
}

// close takes over how far was read, once all of it is done.
func (l *ledger) close(reading replay.Cursor) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cursor != nil {
		maps.Copy(l.cursor, reading)
	}
}
