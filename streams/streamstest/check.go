package streamstest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// Check fails the test unless, in every partition of q, the fold of the log has
// no violations and equals the live state, and every task's status and history
// say the same as the fold.
func Check(t testing.TB, l *streams.Log, q task.Queue) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	queues, err := l.Queues(ctx)
	if err != nil {
		t.Errorf("check %s: %v", q, err)
	}
	for n := range queues[q] {
		vs, err := Violations(ctx, l, q, n)
		if err != nil {
			t.Errorf("check %s/%d: %v", q, n, err)
		}
		for _, v := range vs {
			t.Errorf("check %s/%d: %s", q, n, v)
		}
	}
}

// Violations lists how the log of one partition and its live state disagree.
// The partition must be at rest.
func Violations(ctx context.Context, l *streams.Log, q task.Queue, n int) ([]string, error) {
	r := l.Reader()
	live, err := r.Live(ctx, q, n)
	if err != nil {
		return nil, err
	}
	c := &comparison{live: live, fold: task.NewFold(), entries: map[task.Position]task.ID{}, events: map[task.ID][]task.Event{}, due: map[task.ID]int64{}}
	c.fold.Partial = live.Floor > 1
	for e, err := range r.Events(ctx, q, n, task.Position{}) {
		if err != nil {
			return nil, err
		}
		if ours(&e) && e.At.LSN >= live.Floor { // a trim leaves some below its floor, of either stream
			c.add(e)
		}
	}
	c.found = append(c.found, c.fold.Violations...)
	c.open()
	c.waiting()
	c.dead()
	c.counters()
	err = c.tasks(ctx, r)
	return c.found, err
}

// ours tells what some version wrote from what a stranger added.
func ours(e *task.Event) bool {
	if e.Kind != task.Unknown {
		return true
	}
	for i := 0; i < len(e.Raw); i += 2 {
		if e.Raw[i] == "v" {
			return true
		}
	}
	return false
}

// comparison is a fold, the live state, and where they differ.
type comparison struct {
	live    *task.Live
	fold    *task.Fold
	entries map[task.Position]task.ID // of the stream of deliverable entries
	events  map[task.ID][]task.Event
	due     map[task.ID]int64 // as the latest event says that sent the task waiting
	found   []string
}

func (c *comparison) differ(format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf(format, args...))
}

func (c *comparison) add(e task.Event) {
	c.fold.Add(&e)
	switch e.Kind {
	case task.Born, task.Released, task.HandedBack:
		c.entries[e.At] = e.Task
	case task.Scheduled, task.OutcomeRetry, task.OutcomeSnooze:
		c.due[e.Task] = e.DueMs
	case task.Reclaimed, task.EntryLost:
		if e.Task.IsZero() {
			e.Task = c.entries[e.Prev]
		}
	}
	c.events[e.Task] = append(c.events[e.Task], e)
}

// open: what the fold says is open is pending or undelivered, and the reverse,
// but for entries of tasks that were cancelled before they were delivered.
func (c *comparison) open() {
	for at, id := range c.fold.Entries {
		if !c.live.Open[at] {
			c.differ("%s is open at %s, but neither pending nor undelivered", id, at)
		}
	}
	for at := range c.live.Open {
		id := c.entries[at]
		if c.fold.Entries[at] == id && !id.IsZero() {
			continue
		}
		l := c.fold.Tasks[id]
		if l == nil || l.State != task.Cancelled || !c.live.Marked[id.LSN()] {
			c.differ("entry %s of %s is pending or undelivered, but not open", at, id)
		}
	}
}

func (c *comparison) waiting() {
	for id, l := range c.fold.Tasks {
		if due, ok := c.live.Due[id]; (l.State == task.Waiting) != ok {
			c.differ("%s is %s, in the zset: %t", id, l.State, ok)
		} else if ok && due != c.due[id] {
			c.differ("%s is due at %d, in the zset at %d", id, c.due[id], due)
		}
	}
	for id := range c.live.Due {
		if c.fold.Tasks[id] == nil && id.LSN() >= c.live.Floor {
			c.differ("%s waits in the zset and is not in the log", id)
		}
	}
}

func (c *comparison) dead() {
	for id, l := range c.fold.Tasks {
		if (l.State == task.Dead) != c.live.Buried[id] {
			c.differ("%s is %s, among the dead: %t", id, l.State, c.live.Buried[id])
		}
	}
	for id := range c.live.Buried {
		if c.fold.Tasks[id] == nil && id.LSN() >= c.live.Floor {
			c.differ("%s is among the dead and not in the log", id)
		}
	}
}

// counters compares the totals with the counts of events, which a trimmed log
// has not.
func (c *comparison) counters() {
	s, n := &c.live.Stats, c.fold.Counts
	equal := func(what string, got, want int64) {
		if got != want {
			c.differ("%s: the live state says %d, the log %d", what, got, want)
		}
	}
	equal("lsn", s.LSN, c.fold.LastLSN)
	equal("waiting", s.Waiting, int64(len(c.live.Due)))
	equal("dead", s.Dead, int64(len(c.live.Buried)))
	equal("ready", s.Ready, max(0, int64(len(c.fold.Entries))-s.Running))
	if c.fold.Partial {
		return
	}
	equal("paused", b2i(s.Paused), b2i(c.fold.Paused))
	equal("enqueued", s.Enqueued, n[task.Born]+n[task.Scheduled])
	equal("succeeded", s.Succeeded, n[task.OutcomeSuccess])
	equal("retried", s.Retried, n[task.OutcomeRetry])
	equal("snoozed", s.Snoozed, n[task.OutcomeSnooze])
	equal("buried", s.Buried, n[task.OutcomeDead])
	equal("cancelled", s.Cancelled, n[task.OutcomeCancel])
	equal("expired", s.Expired, n[task.OutcomeExpire])
	equal("requeued", s.Requeued, n[task.Requeued])
	equal("purged", s.Purged, n[task.PurgedDead])
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
