package streamstest

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// maxChecked is how many tasks are asked about one by one.
const maxChecked = 24

// tasks compares the status and the history of single tasks with the log.
func (c *comparison) tasks(ctx context.Context, r *streams.Reader) error {
	ids := make([]task.ID, 0, len(c.fold.Tasks))
	for id := range c.fold.Tasks {
		if id.LSN() >= c.live.Floor {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b task.ID) int { return bytes.Compare(a[:], b[:]) })
	for _, id := range ids[:min(len(ids), maxChecked)] {
		if err := c.status(ctx, r, id); err != nil {
			return err
		}
		if err := c.history(ctx, r, id); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) status(ctx context.Context, r *streams.Reader, id task.ID) error {
	st, err := r.Status(ctx, id)
	if err != nil {
		return err
	}
	l := c.fold.Tasks[id]
	want, got := l.State, st.State
	if got == task.Running {
		got = task.Ready // the log does not tell them apart
	}
	if l.Last == c.lostAt(id) {
		return nil // of an entry that vanished under its consumer the index knows nothing
	}
	if got != want {
		c.differ("status of %s: %s, the log says %s", id, st.State, want)
	}
	return nil
}

// lostAt is where the log says that an entry of a task vanished.
func (c *comparison) lostAt(id task.ID) task.Position {
	for _, e := range c.events[id] {
		if e.Kind == task.EntryLost {
			return e.At
		}
	}
	return task.Position{LSN: -1}
}

// far is a distance in the log from which on a history may leave out what stands
// beside the chain of outcomes and releases.
const far = 20_000

// beside reports whether no event leads to one of this kind.
func beside(k task.Kind) bool {
	switch k {
	case task.Reclaimed, task.CancelRequested, task.StaleOutcome, task.EntryLost:
		return true
	}
	return false
}

// history: late outcomes may be left out of the history of a task that goes on,
// and everything beside the chain of one that is long.
func (c *comparison) history(ctx context.Context, r *streams.Reader, id task.ID) error {
	events, err := r.History(ctx, id)
	if err != nil {
		return err
	}
	l := c.fold.Tasks[id]
	terminal, long := l.State.Terminal(), c.live.LSN-id.LSN() >= far
	if long && l.State == task.Purged {
		return nil // a purge of many names no cause
	}
	show := func(events []task.Event) (all []string) {
		for _, e := range events {
			if long && !beside(e.Kind) || !long && (terminal || e.Kind != task.StaleOutcome) {
				all = append(all, fmt.Sprintf("%s %s attempt %d after %s", e.At, e.Kind, e.Attempt, e.Prev))
			}
		}
		return all
	}
	if d := cmp.Diff(show(c.events[id]), show(events)); d != "" {
		c.differ("history of %s (-log +history):\n%s", id, d)
	}
	return nil
}
