package replay

import "github.com/tidemill/tidemill/task"

// comparison holds one partition's fold against the live state of the same lsn.
type comparison struct {
	report *Report
	p      *Partition
	live   *task.Live
}

func (c *comparison) lost(format string, args ...any) {
	c.report.Lost++
	c.report.problem(format, args...)
}

// open: what the log says is to be delivered is held or undelivered, and
// nothing else is, but for entries of tasks that were cancelled before they
// were read, which stay behind their mark.
func (c *comparison) open() {
	for at, id := range c.p.Entries {
		if !c.live.Open[at] {
			c.lost("%s: task %s is ready in the log, but its entry %s is neither held nor undelivered", c.p.name(), id, at)
		}
	}
	for at := range c.live.Open {
		if _, ok := c.p.Entries[at]; !ok && !c.p.Dropped[at] {
			c.report.problem("%s: entry %s will be delivered, but the log says it is settled", c.p.name(), at)
		}
	}
}

// waiting: the same for the zset, due times included.
func (c *comparison) waiting() {
	for id, l := range c.p.Tasks {
		if l.State != task.Waiting {
			continue
		}
		due, ok := c.live.Due[id]
		if !ok {
			c.lost("%s: task %s waits in the log, but not in the zset", c.p.name(), id)
		} else if due != l.DueMs {
			c.report.problem("%s: task %s is due %d in the log, %d in the zset", c.p.name(), id, l.DueMs, due)
		}
	}
	for id := range c.live.Due {
		if l := c.p.Tasks[id]; (l == nil || l.State != task.Waiting) && !c.before(id) {
			c.report.problem("%s: task %s waits in the zset, but not in the log", c.p.name(), id)
		}
	}
}

func (c *comparison) dead() {
	for id, l := range c.p.Tasks {
		if l.State == task.Dead && !c.live.Buried[id] {
			c.lost("%s: task %s is dead in the log, but cannot be requeued", c.p.name(), id)
		}
	}
	for id := range c.live.Buried {
		if l := c.p.Tasks[id]; (l == nil || l.State != task.Dead) && !c.before(id) {
			c.report.problem("%s: task %s is dead in redis, but not in the log", c.p.name(), id)
		}
	}
}

// before reports whether the task's first events may have been trimmed.
func (c *comparison) before(id task.ID) bool {
	return c.p.Partial && id.LSN() < c.live.Floor && c.p.Tasks[id] == nil
}

// counters: what Redis counted is what the log holds.
func (c *comparison) counters() {
	n := c.p.Counts
	for name, pair := range map[string][2]int64{
		"enqueued":  {c.live.Enqueued, n[task.Born] + n[task.Scheduled]},
		"succeeded": {c.live.Succeeded, n[task.OutcomeSuccess]},
		"retried":   {c.live.Retried, n[task.OutcomeRetry]},
		"snoozed":   {c.live.Snoozed, n[task.OutcomeSnooze]},
		"dead":      {c.live.Stats.Buried, n[task.OutcomeDead]},
		"cancelled": {c.live.Cancelled, n[task.OutcomeCancel]},
		"expired":   {c.live.Expired, n[task.OutcomeExpire]},
		"requeued":  {c.live.Requeued, n[task.Requeued]},
		"purged":    {c.live.Purged, n[task.PurgedDead]},
	} {
		if pair[0] != pair[1] {
			c.report.problem("%s: %s is %d in redis, %d in the log", c.p.name(), name, pair[0], pair[1])
		}
	}
}
