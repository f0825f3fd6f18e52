package check

import (
	"slices"

	"github.com/oklog/ulid/v2"

	"github.com/tidemill/tidemill/integration/history"
)

const (
	msNs  = int64(1_000_000)
	secNs = 1000 * msNs
)

// releaseSeenNs is how much later than it happened the witness may see a release.
const releaseSeenNs = 5 * secNs

// waited: what was asked for later did not start before, as real time goes (I4).
// A clock of Redis that jumped ahead made the wait shorter.
func (c *checker) waited() {
	for tag, asks := range c.asked {
		if len(asks) != 1 || asks[0].InMs == 0 || asks[0].Key != "" {
			continue
		}
		for _, b := range c.tags[tag] {
			c.patient(b.id, &asks[0])
		}
	}
}

func (c *checker) patient(id ulid.ULID, a *ask) {
	starts := c.starts(attempt{id, 1})
	if len(starts) == 0 {
		return
	}
	took := (starts[0].T - a.at) / msNs
	if want := a.InMs - c.clock.gained(a.at, starts[0].T) - slackMs; took < want {
		c.countEarly()
		c.violate("I4", "%s (%s) started %d ms after it was asked for, in %d ms", id, a.Tag, took, a.InMs)
	}
}

// early: the start after a release is not before the due time, by the clock of
// Redis (I4).
func (c *checker) early(f *fold) {
	for _, r := range f.delayed {
		starts := c.starts(r.attempt)
		if r.requeued || !f.first(r) || len(starts) <= r.nth {
			continue
		}
		s := starts[r.nth]
		redis := s.WallMs + c.clock.ahead(min(r.seen-releaseSeenNs, s.T), s.T)
		if redis < r.due-slackMs {
			c.countEarly()
			c.violate("I4", "%s attempt %d started at %d, due %d", r.id, r.n, redis, r.due)
		}
		if late := s.WallMs + c.clock.at(s.T) - r.due; late <= c.clock.still(s.T) { // else it fell due in a jump
			c.r.late = append(c.r.late, max(0, late))
		}
	}
}

// backedOff: no retry starts before its delay is over, counted from the first time
// that the attempt before it failed (I4).
func (c *checker) backedOff(id ulid.ULID, attempts int, delay int64) {
	failed := func(e history.Effect) bool { return e.What == history.End && e.Outcome == endRetry }
	for n := 1; n < attempts && delay > 0; n++ {
		runs, next := c.runs[attempt{id, n}], c.starts(attempt{id, n + 1})
		i := slices.IndexFunc(runs, failed)
		if i < 0 || len(next) == 0 {
			continue
		}
		from, to := runs[i].T, next[0].T
		if took := (to - from) / msNs; took < delay-c.clock.gained(from, to)-slackMs {
			c.countEarly()
			c.violate("I4", "%s attempt %d started %d ms after attempt %d failed, want %d", id, n+1, took, n, delay)
		}
	}
}

// first reports whether the nth start of the attempt is that of its nth release:
// nothing was taken over or given back, and Redis forgot no release that had led
// to an earlier start.
func (f *fold) first(r release) bool {
	if t := f.tries[r.attempt]; t != nil && r.nth > 0 && t.reclaims+t.backs > 0 {
		return false
	}
	starts := f.c.starts(r.attempt)
	return !slices.ContainsFunc(f.epochs, func(ep epoch) bool {
		if ep.cause == "created" {
			return false
		}
		return r.nth > 0 || ep.at.lsn < r.lsn && len(starts) > 0 && starts[0].T < ep.seen
	})
}

// countEarly counts a start that came too early; what a log with holes says about
// due times is no evidence.
func (c *checker) countEarly() {
	if !c.r.holes {
		c.r.Early++
	}
}
