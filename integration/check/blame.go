package check

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tidemill/tidemill/integration/history"
)

// blame counts each start after the first under the fault that was there. A
// start after a snooze is the next run, not the same again.
func (c *checker) blame(a attempt) {
	var last *history.Effect
	snoozed := true
	for i, e := range c.runs[a] {
		switch e.What {
		case history.End:
			snoozed = e.Outcome == endSnooze
		case history.Start:
			if last != nil && !snoozed {
				c.r.ExecutedAgain[c.culprit(a, last, e.T)]++
			}
			last, snoozed = &c.runs[a][i], false
		}
	}
}

// culprit names the fault between two starts: the last one that began before the
// second and was not healed before the first, or the one that hit the node of the
// first.
func (c *checker) culprit(a attempt, first *history.Effect, second int64) string {
	name, from, hit := "", int64(-1), false
	for _, f := range c.in.Faults {
		if f.From > second || f.To != 0 && f.To < first.T {
			continue
		}
		hits := ranOn(first.Node, f.PID)
		if hits && !hit || hits == hit && f.From > from {
			name, from, hit = f.Name, f.From, hits
		}
	}
	if name != "" {
		return name
	}
	if f := c.byNum[partitionOf(a.id)]; f != nil && f.tries[a] != nil {
		return fmt.Sprintf("no fault (reclaims %d, hand-backs %d)", f.tries[a].reclaims, f.tries[a].backs)
	}
	return "no fault"
}

// ranOn reports whether a node, named NAME/PID, is the process that a fault hit.
func ranOn(node string, pid int) bool {
	return pid != 0 && strings.HasSuffix(node, "/"+strconv.Itoa(pid))
}
