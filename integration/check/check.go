package check

import (
	"cmp"
	"slices"

	"github.com/oklog/ulid/v2"

	"github.com/tidemill/tidemill/integration/history"
)

// checker is one judgement.
type checker struct {
	in     *Input
	r      *Report
	folds  []*fold
	byNum  map[int]*fold
	losing losing
	runs   map[attempt][]history.Effect // by time
	acked  map[ulid.ULID]bool
	tags   map[string][]born
	asked  map[string][]ask   // by tag
	gone   map[ulid.ULID]bool // acknowledged, and not there: whether a fault may lose it
	clock  clock

	repeated []attempt // those that started more than once
}

// Check judges what a run left behind.
func Check(in *Input) Report {
	c := &checker{
		in: in, r: newReport(), byNum: map[int]*fold{}, runs: map[attempt][]history.Effect{},
		acked: map[ulid.ULID]bool{}, asked: map[string][]ask{}, gone: map[ulid.ULID]bool{}, losing: whatLoses(in.Faults), clock: newClock(in.Clock),
	}
	c.r.holes = c.losing.taken
	c.void()
	for i := range in.Parts {
		c.fold(&in.Parts[i])
	}
	c.journal()
	c.clients()
	c.births()
	c.keyed()
	c.ends()
	c.operators()
	c.waited()
	for _, f := range c.folds {
		c.ran(f)
		c.early(f)
		c.live(f)
	}
	c.again()
	c.plans()
	c.stolen()
	c.paused()
	c.membersLeft()
	c.tried()
	c.recovery()
	c.rates()
	c.calm()
	c.r.finish()
	return *c.r
}

func (c *checker) violate(invariant, format string, args ...any) {
	c.r.violate(invariant, format, args...)
}

// fold reads one partition's log, and what Redis forgot of it.
func (c *checker) fold(p *Partition) {
	f := newFold(c, p)
	c.folds = append(c.folds, f)
	c.byNum[p.Number] = f
	c.r.Partitions++
	for _, e := range c.events(p.Number, p.Log) {
		f.add(&e)
	}
	c.r.Orphans += len(p.Orphans)
	if f.partial {
		c.r.Partial++
	}
	for _, e := range c.events(p.Number, p.Orphans) {
		f.forgotten(&e)
	}
}

// events reads entries in order of lsn.
func (c *checker) events(partition int, raw []history.Entry) []event {
	events := make([]event, 0, len(raw))
	for _, entry := range raw {
		got, err := parse(partition, entry)
		if err != nil {
			c.violate("I5", "partition %d: %v", partition, err)
		}
		events = append(events, got...)
	}
	slices.SortStableFunc(events, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.at.lsn, b.at.lsn), cmp.Compare(a.at.ms, b.at.ms))
	})
	return events
}

// ends counts how tasks ended, and names those that did not.
func (c *checker) ends() {
	var stuck []string
	n := 0
	for _, f := range c.folds {
		for id, l := range f.lives {
			if f.ended(id, l) {
				continue
			}
			if n++; len(stuck) < 10 {
				stuck = append(stuck, id.String()+" "+l.state.String()+" since "+l.last.String())
			}
		}
	}
	switch {
	case n > 0:
		slices.Sort(stuck)
		c.violate("stuck", "%d tasks did not end, drained %v: %q", n, c.in.Run.Drained, stuck)
	case !c.in.Run.Drained:
		c.violate("stuck", "the run says it did not drain")
	}
}

// ended counts one task's end; false if it has none.
func (f *fold) ended(id ulid.ULID, l *life) bool {
	r := f.c.r
	switch l.state {
	case succeeded:
		r.Succeeded++
	case dead, removed:
		r.Dead++
	case cancelled:
		r.Cancelled++
	case expired:
		r.Expired++
	case lost:
		f.vanished(id, "its entry was lost at %s", l.last)
	case ready, waiting:
		if _, held := f.entries[l.entry]; l.state == ready && held && f.entries[l.entry].gone {
			f.vanished(id, "open entry %s is not in the stream", l.entry)
			return true
		}
		return false
	}
	return true
}

// vanished judges a task whose entry is gone, though it had not ended (I7).
func (f *fold) vanished(id ulid.ULID, format string, args ...any) {
	if f.c.losing.taken {
		f.c.r.Taken++
		return
	}
	f.c.r.Lost++
	f.c.violate("I7", id.String()+": "+format, args...)
}
