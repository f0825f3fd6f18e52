package check

import (
	"slices"

	"github.com/tidemill/tidemill/integration/history"
)

// harmless are the faults that cost no node its lease.
var harmless = []string{
	"freeze-worker", "drain-worker", "script-flush", "foreign-xadd", "drop-reply", "drop-read", "reset", "cut",
	"clock-forward", "clock-back", "clock-step", "due-at-once", "flood", "migrate-slot",
}

// stolen: nobody takes over from a node that nothing happened to (I11).
func (c *checker) stolen() {
	costs := func(f history.Fault) bool { return !slices.Contains(harmless, f.Name) }
	if c.r.Reclaimed > 0 && !slices.ContainsFunc(c.in.Faults, costs) {
		c.violate("I11", "%d deliveries were taken over, and no fault cost a lease", c.r.Reclaimed)
	}
}

// paused: while all queues are paused nothing starts. Nodes hear of it after a
// while, and the first queue goes on before the last.
func (c *checker) paused() {
	for _, f := range c.in.Faults {
		if f.Name != "flood" || f.Err != "" {
			continue
		}
		n := 0
		for _, e := range c.in.Effects {
			if e.What == history.Start && e.T > f.From+2*secNs && e.T < f.To-secNs/2 {
				n++
			}
		}
		if n > 0 {
			c.violate("pause", "%d tasks started while all queues were paused", n)
		}
	}
}

// mayLeave are the faults after which consumers may stand in f that are no more:
// processes that ended without a word.
func mayLeave(f history.Fault) bool {
	return f.PID != 0 || slices.Contains([]string{"poison", "restart-storm", "late-settle", "crash-before", "crash-after"}, f.Name)
}

// membersLeft: a process that ended without a word leaves its record in each
// partition until its lease is over, and no other does (I9).
func (c *checker) membersLeft() {
	n := 0
	for _, f := range c.in.Faults {
		if mayLeave(f) {
			n += max(1, int(f.Observed)) * len(c.folds)
		}
	}
	if c.r.MembersLeft > n && c.in.Run.Drained && len(c.in.Faults) > 0 { // without faults each is told by itself
		c.violate("I9", "%d consumers stopped and are still in f, faults explain %d", c.r.MembersLeft, n)
	}
}
