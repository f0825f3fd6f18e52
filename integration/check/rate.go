package check

import (
	"cmp"
	"slices"

	"github.com/tidemill/tidemill/integration/history"
)

const (
	settleNs   = 10 * secNs // a fault-free stretch may take this long to be back
	shortest   = 4 * secNs  // that is worth measuring
	tailNs     = secNs / 2  // what is asked for later than that before its end may end behind it
	wantedRate = 0.8
	heldUpNs   = 2 * secNs  // an enqueue that takes longer holds its client up
	tripNs     = secNs / 20 // and so much for each trip more that its births take
)

// rates checks that in each fault-free stretch of the load as many handlers end, by
// what is asked for, as before the first fault (I12).
func (c *checker) rates() {
	c.r.Rate = "not measured"
	if len(c.in.Rates) == 0 || len(c.in.Faults) == 0 {
		return
	}
	first := slices.MinFunc(c.in.Faults, func(a, b history.Fault) int { return cmp.Compare(a.From, b.From) })
	before, ok := c.served(c.in.Rates[0].T, first.From)
	if !ok || before == 0 {
		return
	}
	worst := -1.0
	for s := range c.stretches() {
		after, ok := c.served(s.from, s.to)
		if !ok {
			continue
		}
		ratio := after / before
		if ratio < wantedRate {
			c.violate("I12", "after %s: %.2f ends a birth asked for, before the first fault %.2f", s.after, after, before)
		}
		if worst < 0 || ratio < worst {
			worst = ratio
		}
	}
	if worst >= 0 {
		c.r.Rate, c.r.RateBack = "measured", worst
	}
}

// served is how many handlers ended in a stretch for each birth that was asked for
// in it, by the second of each; false if it is too short. What is asked for varies
// from second to second, so neither number says much alone.
func (c *checker) served(from, to int64) (float64, bool) {
	var ends, asked int64
	last := from
	for _, r := range c.in.Rates {
		if r.T >= from+secNs && r.T < to { // a line counts the second before it
			ends += r.N
			last = r.T
		}
	}
	until := last - tailNs
	for _, ops := range c.in.Ops {
		for i := range ops {
			if op := &ops[i]; op.Res == history.Invoke && op.T >= from && op.T < until {
				asked += int64(len(op.Births))
			}
		}
	}
	rate := float64(ends) / float64(max(last-from, 1))
	return rate * float64(until-from) / float64(max(asked, 1)), last-from >= shortest && asked > 0
}
