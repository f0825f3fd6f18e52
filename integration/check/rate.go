package check

import (
	"slices"

	"github.com/tidemill/tidemill/integration/history"
)

const (
	settleNs   = 10 * secNs // a fault-free stretch may take this long to be back
	shortest   = 4 * secNs  // that is worth measuring
	wantedRate = 0.8
	heldUpNs   = 2 * secNs // an enqueue that takes longer holds its client up
)

// rates checks that in each fault-free stretch of the load as many handlers end, by
// what is asked for, as before the first fault, and that no client is held up (I12).
func (c *checker) rates() {
	c.r.Rate = "not measured"
	if len(c.in.Rates) == 0 || len(c.in.Faults) == 0 {
		return
	}
	faults := slices.Clone(c.in.Faults)
	slices.SortFunc(faults, func(a, b history.Fault) int { return int(a.From - b.From) })
	start := c.in.Rates[0].T
	before, ok := c.served(start, faults[0].From)
	if !ok || before == 0 {
		return
	}
	end := start + int64(c.in.Run.Seconds*float64(secNs))
	worst := -1.0
	for i, healed := 0, int64(0); i < len(faults); i++ {
		healed = max(healed, faults[i].To)
		until := end
		if i+1 < len(faults) {
			until = min(end, faults[i+1].From)
		}
		after, ok := c.served(healed+settleNs, until)
		if !ok || faults[i].To == 0 {
			continue
		}
		ratio := after / before
		if ratio < wantedRate {
			c.violate("I12", "after %s: %.2f ends a birth asked for, before the first fault %.2f", faults[i].Name, after, before)
		}
		if n := c.heldUp(healed+settleNs, until); n > 0 {
			c.violate("I12", "after %s: %d enqueues took more than 2 s", faults[i].Name, n)
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
// in it; false if it is too short. What is asked for varies from second to second,
// so neither number says much alone.
func (c *checker) served(from, to int64) (float64, bool) {
	var ends, asked int64
	last := from
	for _, r := range c.in.Rates {
		if r.T >= from+secNs && r.T < to { // a line counts the second before it
			ends += r.N
			last = r.T
		}
	}
	for _, ops := range c.in.Ops {
		for i := range ops {
			if op := &ops[i]; op.Res == history.Invoke && op.T >= from && op.T < last {
				asked += int64(len(op.Births))
			}
		}
	}
	return float64(ends) / float64(max(asked, 1)), last-from >= shortest && asked > 0
}

// heldUp counts the enqueues of a stretch whose answer took too long.
func (c *checker) heldUp(from, to int64) (n int) {
	for _, ops := range c.in.Ops {
		asked := map[int64]int64{}
		for i := range ops {
			switch op := &ops[i]; {
			case op.Do != history.Enqueue:
			case op.Res == history.Invoke:
				asked[op.N] = op.T
			case asked[op.N] >= from && op.T < to && op.T-asked[op.N] > heldUpNs:
				n++
			}
		}
	}
	return n
}
