package check

import (
	"cmp"
	"slices"

	"github.com/tidemill/tidemill/integration/history"
)

// losing is what the faults of a run may lose.
type losing struct{ tail, all, taken bool }

func whatLoses(faults []history.Fault) (l losing) {
	for _, f := range faults {
		l.tail = l.tail || f.Loses == history.Tail
		l.all = l.all || f.Loses == history.All
		l.taken = l.taken || f.Loses == history.Cutting
	}
	return l
}

// void lists the faults that nobody saw bite: the run proves nothing of them.
func (c *checker) void() {
	seen := map[string]bool{}
	for _, f := range c.in.Faults {
		c.r.Faults[f.Name]++
		if f.Observed == 0 && !seen[f.Name] {
			seen[f.Name] = true
			c.r.Void = append(c.r.Void, f.Name)
		}
	}
}

// recovery measures how long what a killed or stopped worker ran took to run
// elsewhere.
func (c *checker) recovery() {
	for _, f := range c.in.Faults {
		if f.PID == 0 {
			continue
		}
		for _, a := range c.repeated {
			c.recovered(a, f.From, f.PID)
		}
	}
}

func (c *checker) recovered(a attempt, from int64, pid int) {
	running := false
	for _, e := range c.runs[a] {
		here := ranOn(e.Node, pid)
		switch {
		case here && e.T <= from:
			running = e.What == history.Start
		case !here && e.T > from && e.What == history.Start && running:
			c.r.waits = append(c.r.waits, (e.T-from)/msNs)
			return
		}
	}
}

// Quantiles of milliseconds.
type Quantiles struct {
	N   int   `json:"n"`
	P50 int64 `json:"p50"`
	P99 int64 `json:"p99"`
	Max int64 `json:"max"`
}

func quantiles(ms []int64) Quantiles {
	if len(ms) == 0 {
		return Quantiles{}
	}
	slices.SortFunc(ms, cmp.Compare[int64])
	last := len(ms) - 1
	return Quantiles{N: len(ms), P50: ms[last/2], P99: ms[last*99/100], Max: ms[last]}
}
