package check

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemill/tidemill/integration/history"
)

// crashLoop is why a task is buried whose workers die; a first start alone is no
// reason.
const (
	crashLoop = "crash_loop"
	crashes   = 2
)

// plan is how a task of some plan ends when nobody does anything to it, and after
// how long at least it starts again when it fails. These are the plans and delays
// of integration/chaos/plan.go and integration/chaos/worker.go; tasks of other
// plans are not judged by them.
type plan struct {
	ends     state
	reason   string
	attempts int // 0: any
	more     int // attempts by the number in the plan
	delayMs  int64
	either   bool // may succeed just as well
}

var knownPlans = map[string]plan{
	"ok":     {ends: succeeded, attempts: 1},
	"flaky":  {ends: succeeded, attempts: 1, more: 1, delayMs: 50},
	"bury":   {ends: dead, reason: "buried", attempts: 1},
	"fail":   {ends: dead, reason: "retries", attempts: 3, delayMs: 30},
	"snooze": {ends: succeeded, attempts: 1},
	"panic":  {ends: succeeded, attempts: 2},
	"loop":   {ends: dead, reason: "retries", either: true}, // its timeout may or may not come first
	"crash":  {ends: dead, reason: crashLoop, attempts: 1},
}

// plans: every task ended as its plan and what was done to it let it end. A task
// that was requeued has lived more than one life, and is not judged; nor are those
// of a log that is not whole.
func (c *checker) plans() {
	asked := map[string]bool{}
	c.each(history.Cancel, func(invoke history.Op, _ *history.Op) { asked[invoke.ID] = true })
	requeued := c.requeued()
	for _, tag := range slices.Sorted(maps.Keys(c.tags)) {
		asks := c.asked[tag]
		if len(asks) == 0 {
			continue // told with the births
		}
		verb, arg, _ := strings.Cut(asks[0].Plan, ":")
		p, known := knownPlans[verb]
		n, err := strconv.Atoi(arg)
		if !known || arg != "" && err != nil {
			continue
		}
		p.attempts += n * p.more
		for _, b := range c.tags[tag] {
			if requeued[b.id] || b.f.partial {
				continue
			}
			c.planned(b, asks[0].Plan, &p, asked[b.id.String()])
			c.backedOff(b.id, b.attempts, p.delayMs)
		}
	}
}

// planned judges how one task ended.
func (c *checker) planned(b born, name string, p *plan, asked bool) {
	switch {
	case !b.state.terminal() || b.state == lost || b.state == removed: // told elsewhere
	case b.state == cancelled && asked:
	case b.state == dead && b.reason == crashLoop:
		if starts := len(c.starts(attempt{b.id, b.attempts})); starts < crashes {
			c.violate("plan", "%s (%s, %s) was buried as %s after %d starts", b.id, b.tag, name, crashLoop, starts)
		}
	case p.either && b.state == succeeded:
	case b.state != p.ends || b.state == dead && b.reason != p.reason:
		c.violate("plan", "%s (%s, %s) ended as %s %s, want %s %s", b.id, b.tag, name, b.state, b.reason, p.ends, p.reason)
	case p.attempts > 0 && b.attempts != p.attempts:
		c.violate("plan", "%s (%s, %s) ended at attempt %d, want %d", b.id, b.tag, name, b.attempts, p.attempts)
	}
}
