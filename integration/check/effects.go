package check

import (
	"cmp"
	"maps"
	"slices"

	"github.com/tidemill/tidemill/integration/history"
)

// Outcome words of an end.
const (
	endOK     = "ok"
	endSnooze = "snooze"
	endRetry  = "retry"
)

// journal sorts what handlers did by attempt.
func (c *checker) journal() {
	for _, e := range c.in.Effects {
		id, err := parseID(e.ID)
		if err != nil {
			c.violate("I1", "effect %s of %s: %v", e.What, e.Tag, err)
			continue
		}
		a := attempt{id, e.Attempt}
		c.runs[a] = append(c.runs[a], e)
	}
	for a, effects := range c.runs {
		slices.SortStableFunc(effects, func(x, y history.Effect) int { return cmp.Compare(x.T, y.T) })
		c.known(a, effects[0])
	}
}

// known: what ran had been born, though Redis may have forgotten it since.
func (c *checker) known(a attempt, e history.Effect) {
	f := c.byNum[partitionOf(a.id)]
	if f == nil {
		c.unexpected("%s ran as %s, of a partition that nobody saw", e.Tag, a.id)
		return
	}
	if l := f.lives[a.id]; l != nil && l.born {
		if l.tag != e.Tag {
			c.unexpected("%s ran as %s, which is %s", e.Tag, a.id, l.tag)
		}
		return
	}
	at := address(a.id)
	if f.lostAt(at) == nil && !f.takenAt(at, nil) && !f.trimmedAt(at) {
		c.unexpected("%s ran as %s, and has no birth", e.Tag, a.id)
	}
}

// starts are those of one attempt, by time.
func (c *checker) starts(a attempt) []history.Effect {
	var out []history.Effect
	for _, e := range c.runs[a] {
		if e.What == history.Start {
			out = append(out, e)
		}
	}
	return out
}

// ran checks that what the log says was run, was: a success has an end before
// the outcome was written, another verdict of a handler has a start.
func (c *checker) ran(f *fold) {
	for _, v := range f.verdicts {
		effects := c.runs[v.attempt]
		word, what := v.kind, history.Start
		if v.kind == "succeeded" {
			what = history.End
		}
		found := slices.ContainsFunc(effects, func(e history.Effect) bool {
			return e.What == what && e.T <= v.seen && (what == history.Start || e.Outcome == endOK)
		})
		if !found {
			c.violate("I3", "%s attempt %d %s at %s, and the journal has no %s before it", v.id, v.n, word, v.at, what)
		}
		c.result(v, effects)
	}
}

// verdict is an outcome that a handler must have had a part in.
type verdict struct {
	attempt
	kind string
	at   pos
	seen int64

	result []byte
}

// byHandler reports whether an outcome comes from a handler.
func byHandler(e *event) bool {
	switch e.kind {
	case "succeeded", "retry":
		return true
	case "snoozed":
		return e.text != "no handler on this node"
	case "dead":
		return e.reason == "retries" || e.reason == "buried"
	}
	return false
}

// again checks every attempt that started more than once: something must have
// taken the delivery away (I11). Each one is put down to a fault, by time.
func (c *checker) again() {
	for _, a := range slices.SortedFunc(maps.Keys(c.runs), byAttempt) {
		starts := c.starts(a)
		if len(starts) < 2 {
			continue
		}
		c.repeated = append(c.repeated, a)
		f := c.byNum[partitionOf(a.id)]
		if f == nil {
			continue
		}
		if causes := f.causes(a, starts[0].T, starts[len(starts)-1].T); len(starts)-1 > causes {
			c.r.Unexplained++
			c.violate("I11", "%s attempt %d started %d times, with %d causes", a.id, a.n, len(starts), causes)
		}
		c.blame(a)
	}
}

func byAttempt(a, b attempt) int { return cmp.Or(a.id.Compare(b.id), cmp.Compare(a.n, b.n)) }

// asleep counts the snoozes of an attempt that the journal has, and the log may not
// have any more.
func (f *fold) asleep(a attempt) (n int) {
	for _, e := range f.c.runs[a] {
		if e.What == history.End && e.Outcome == endSnooze && f.c.mayForget(e.T) {
			n++
		}
	}
	return n
}

// unseenNs is how long before a fault what Redis lost may have been written without
// the witness seeing it.
const unseenNs = 2 * secNs

// recoverySeenNs is how much later than it happened the witness may see what a
// server went through: it comes back to the server in its own time.
const recoverySeenNs = 10 * secNs

// causes counts what allows an attempt to start once more between its first start
// and its last: its delivery was taken over or given back, it asked to run later,
// the group was rebuilt, or Redis lost what was known of it. A fault that loses is a
// cause by itself: the epoch that tells of it may have been lost to the next.
func (f *fold) causes(a attempt, first, last int64) int {
	n := f.asleep(a)
	if t := f.tries[a]; t != nil {
		n = t.reclaims + t.backs + max(n, t.snoozes)
	}
	between := func(seen int64) bool { return seen >= first && seen <= last+recoverySeenNs }
	for _, at := range f.rebuilt {
		if between(at) {
			n++
		}
	}
	for _, ep := range f.epochs {
		if ep.cause != "created" && between(ep.seen) {
			n++
		}
	}
	for _, fault := range f.c.in.Faults {
		loses := fault.Loses == history.Tail || fault.Loses == history.All
		if loses && fault.From <= last+unseenNs && (fault.To == 0 || fault.To >= first) {
			n++
		}
	}
	return n
}
