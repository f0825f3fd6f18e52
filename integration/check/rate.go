package check

import (
	"slices"

	"github.com/tidemill/tidemill/integration/history"
)

const (
	settleNs   = 10 * secNs // a fault-free stretch may take this long to be back
	fewest     = 5          // seconds that make a median
	wantedRate = 0.8
)

// rates checks that each fault-free stretch of the load is back to the rate
// before the first fault (I12).
func (c *checker) rates() {
	c.r.Rate = "not measured"
	if len(c.in.Rates) == 0 || len(c.in.Faults) == 0 {
		return
	}
	faults := slices.Clone(c.in.Faults)
	slices.SortFunc(faults, func(a, b history.Fault) int { return int(a.From - b.From) })
	start := c.in.Rates[0].T
	before, ok := c.median(start, faults[0].From)
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
		after, ok := c.median(healed+settleNs, until)
		if !ok || faults[i].To == 0 {
			continue
		}
		ratio := after / before
		if ratio < wantedRate {
			c.violate("I12", "after %s: %.0f/s, before the first fault %.0f/s", faults[i].Name, after, before)
		}
		if worst < 0 || ratio < worst {
			worst = ratio
		}
	}
	if worst >= 0 {
		c.r.Rate, c.r.RateBack = "measured", worst
	}
}

// median is that of the seconds in a stretch; false if they are too few.
func (c *checker) median(from, to int64) (float64, bool) {
	var n []int64
	for _, r := range c.in.Rates {
		if r.T >= from && r.T < to {
			n = append(n, r.N)
		}
	}
	if len(n) < fewest {
		return 0, false
	}
	slices.Sort(n)
	return float64(n[len(n)/2]), true
}
