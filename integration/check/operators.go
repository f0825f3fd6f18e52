package check

import (
	"slices"

	"github.com/oklog/ulid/v2"

	"github.com/tidemill/tidemill/integration/history"
)

// operators checks what cancels and requeues that were acknowledged came to.
// Where a fault may have lost what was acknowledged, they prove nothing.
func (c *checker) operators() {
	requeued := c.requeued()
	c.each(history.Cancel, func(invoke history.Op, end *history.Op) {
		id, err := parseID(invoke.ID)
		if end != nil && end.Res == history.OK && !c.mayForget(end.T) && (err != nil || !requeued[id]) {
			c.cancelled(invoke.ID, end.T)
		}
	})
	c.each(history.Requeue, func(invoke history.Op, end *history.Op) {
		id, err := parseID(invoke.ID)
		if end != nil && end.Res == history.OK && !c.mayForget(end.T) && (err != nil || !requeued[id]) {
			c.violate("I1", "requeue of %s was acknowledged, and is not in the log", invoke.ID)
		}
	})
}

// cancelled: a task whose cancel was acknowledged does not start afterwards, unless
// the log says that a handler had it and was asked to end.
func (c *checker) cancelled(name string, at int64) {
	id, err := parseID(name)
	if err != nil {
		c.violate("I1", "cancel: %v", err)
		return
	}
	f := c.byNum[partitionOf(id)]
	if f == nil || f.lives[id] == nil || f.lives[id].asked && !f.lives[id].byHand {
		return // it runs
	}
	for n := 1; n <= f.lives[id].attempts+1; n++ {
		for _, e := range c.runs[attempt{id, n}] {
			if e.What == history.Start && e.T > at {
				c.violate("I4", "%s was cancelled, and started afterwards on %s", id, e.Node)
			}
		}
	}
}

func (c *checker) requeued() map[ulid.ULID]bool {
	found := map[ulid.ULID]bool{}
	for _, f := range c.folds {
		for _, e := range f.requeues {
			found[e] = true
		}
	}
	return found
}

// mayForget reports whether a fault may have lost what was acknowledged at t.
func (c *checker) mayForget(t int64) bool {
	return slices.ContainsFunc(c.in.Faults, func(f history.Fault) bool {
		return f.Loses != "" && f.Loses != history.Nothing && (f.To == 0 || t <= f.To) && !beyond(&f, t)
	})
}
