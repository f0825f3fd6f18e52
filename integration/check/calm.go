package check

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/tidemill/tidemill/integration/history"
)

// nothingTried ends the text that is told when a run proves nothing.
const nothingTried = "nothing was tried"

// refusing are the faults under which most of what is asked for may be refused.
var refusing = []string{"memory-full", "busy", "max-clients", "stop-redis", "kill-redis"}

// tried: a run in which little was acknowledged proves little.
func (c *checker) tried() {
	gentle := func(f history.Fault) bool { return !slices.Contains(refusing, f.Name) }
	few := 2*c.r.Acknowledged < c.r.Attempted && (len(c.in.Faults) == 0 || slices.ContainsFunc(c.in.Faults, gentle))
	if c.r.Succeeded == 0 || few {
		c.violate(OfTheRun, "%d asked, %d acknowledged, %d succeeded: "+nothingTried, c.r.Attempted, c.r.Acknowledged, c.r.Succeeded)
	}
}

// stretch is a part of the load without a fault, long after the last.
type stretch struct {
	after    string // the fault before it
	from, to int64
}

// stretches yields those between the faults, and the one to the end of the load.
func (c *checker) stretches() iter.Seq[stretch] {
	faults := slices.Clone(c.in.Faults)
	slices.SortStableFunc(faults, func(a, b history.Fault) int { return cmp.Compare(a.From, b.From) })
	return func(yield func(stretch) bool) {
		if len(c.in.Rates) == 0 {
			return
		}
		end := c.in.Rates[0].T + int64(c.in.Run.Seconds*float64(secNs))
		healed := int64(0)
		for i, f := range faults {
			if f.To == 0 {
				return // it is there to the end
			}
			healed = max(healed, f.To)
			until := end
			if i+1 < len(faults) {
				until = min(end, faults[i+1].From)
			}
			if from := healed + settleNs; from < until && !yield(stretch{f.Name, from, until}) {
				return
			}
		}
	}
}

// calm checks that in each fault-free stretch every enqueue is done, and soon (I12).
func (c *checker) calm() {
	for s := range c.stretches() {
		if n := c.heldUp(s.from, s.to); n > 0 {
			c.violate("I12", "after %s: %d enqueues took more than 2 s, and 50 ms for each trip but the first", s.after, n)
		}
		c.each(history.Enqueue, func(invoke history.Op, end *history.Op) {
			if end == nil || invoke.T < s.from || end.T >= s.to || end.Res == history.OK || impatient(invoke.T, end) {
				return
			}
			c.violate("I12", "after %s: enqueue %d of %d births was %s: %s", s.after, invoke.N, len(invoke.Births), end.Res, end.Err)
		})
	}
}

// impatient reports whether an operation gave up by a short deadline of its own, as
// one in twenty of the producers' does.
func impatient(asked int64, end *history.Op) bool {
	return strings.Contains(end.Err, "deadline exceeded") && end.T-asked < secNs
}

// heldUp counts the enqueues of a stretch whose answer took too long, or did not come.
func (c *checker) heldUp(from, to int64) (n int) {
	c.each(history.Enqueue, func(invoke history.Op, end *history.Op) {
		answered := to
		if end != nil {
			answered = min(to, end.T)
		}
		if invoke.T >= from && answered-invoke.T > heldUpNs+(trips(invoke.Births)-1)*tripNs {
			n++
		}
	})
	return n
}

// trips is how many calls the births of an enqueue take, in order: those that run now
// and those that wait, of another queue, or to be replicated, share none.
func trips(births []history.Birth) int64 {
	n := int64(1)
	for i := 1; i < len(births); i++ {
		a, b := &births[i-1], &births[i]
		if a.Queue != b.Queue || (a.InMs > 0) != (b.InMs > 0) || a.Replicated != b.Replicated {
			n++
		}
	}
	return n
}
