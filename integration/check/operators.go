package check

import (
	"github.com/oklog/ulid/v2"

	"github.com/tidemill/tidemill/integration/history"
)

// operators checks what cancels and requeues that were acknowledged came to.
// Where a fault may have lost what was acknowledged, they prove nothing.
func (c *checker) operators() {
	if c.losing.tail || c.losing.all || c.losing.taken {
		return
	}
	c.each(history.Cancel, func(invoke history.Op, end *history.Op) {
		if end != nil && end.Res == history.OK {
			c.cancelled(invoke.ID, end.T)
		}
	})
	requeued := c.requeued()
	c.each(history.Requeue, func(invoke history.Op, end *history.Op) {
		id, err := parseID(invoke.ID)
		if end != nil && end.Res == history.OK && (err != nil || !requeued[id]) {
			c.violate("I1", "requeue of %s was acknowledged, and is not in the log", invoke.ID)
		}
	})
}

// cancelled: a task that was cancelled before it ran does not start afterwards.
func (c *checker) cancelled(name string, at int64) {
	id, err := parseID(name)
	if err != nil {
		c.violate("I1", "cancel: %v", err)
		return
	}
	f := c.byNum[partitionOf(id)]
	if f == nil || f.lives[id] == nil || !f.lives[id].byHand {
		return // it ran, or had ended
	}
	for n := 1; n <= f.lives[id].attempts+1; n++ {
		for _, e := range c.runs[attempt{id, n}] {
			if e.What == history.Start && e.T > at {
				c.violate("I4", "%s was cancelled before it ran, and started afterwards on %s", id, e.Node)
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
