package engine

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// State tells where a task stands. Errors: [ErrNotFound] when there is no such
// task or its history was trimmed.
func (e *Engine) State(ctx context.Context, id ID) (Status, error) {
	return e.log.Reader().Status(ctx, id)
}

// Wait returns when the task has ended: succeeded, dead, cancelled or expired.
// It asks, 5 ms after the first time, doubling to a second. When ctx ends first
// it returns how the task stood last, and the cause.
func (e *Engine) Wait(ctx context.Context, id ID) (Status, error) {
	var st Status
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		now, err := e.State(ctx, id)
		switch {
		case err != nil && ctx.Err() != nil:
			return st, context.Cause(ctx)
		case err != nil || now.State.Terminal():
			return now, err
		}
		st = now
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return st, context.Cause(ctx)
		case <-t.C:
		}
	}
}

// History yields the events of a task in order. Errors: [ErrNotFound].
func (e *Engine) History(ctx context.Context, id ID) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		events, err := e.log.Reader().History(ctx, id)
		if err != nil {
			yield(Event{}, err)
			return
		}
		for _, ev := range events {
			if !yield(ev, nil) {
				return
			}
		}
	}
}

// Dead lists dead tasks, the oldest first.
func (e *Engine) Dead(ctx context.Context, f Filter) iter.Seq2[Status, error] {
	return e.log.Reader().Dead(ctx, f)
}

// Requeue gives a dead task another life with all its retries; attempts go on
// counting. Errors: [ErrNotDead], [ErrNotFound], [ErrInvalidOption].
func (e *Engine) Requeue(ctx context.Context, id ID, by By) error {
	err := e.log.Requeue(ctx, id, by)
	if errors.Is(err, ErrNotDead) {
		if _, unknown := e.State(ctx, id); errors.Is(unknown, ErrNotFound) {
			return unknown
		}
	}
	return err
}

// Purge removes dead tasks, and returns how many were dead.
func (e *Engine) Purge(ctx context.Context, ids []ID, by By) (int, error) {
	return e.log.Purge(ctx, ids, by)
}

// Redact removes the payload of a task that has ended from Redis, for good: who and
// why stay in the history, at the position that is returned. A dead task cannot be
// requeued after. Error texts and headers stay, and so do copies outside: an archive
// (tidemill redact covers one), backups. Errors: [ErrNotEnded], [ErrNotFound],
// [ErrInvalidOption].
func (e *Engine) Redact(ctx context.Context, id ID, by By) (task.Position, error) {
	return e.log.Redact(ctx, id, by)
}

// RedactArchived records the redaction of a task of which Redis holds nothing any more,
// for an archive that does. Each call writes an event.
func (e *Engine) RedactArchived(ctx context.Context, id ID, by By) (task.Position, error) {
	return e.log.RedactArchived(ctx, id, by)
}

// Cancelled says what a Cancel came to.
type Cancelled = streams.Cancelled

// Results of Cancel.
const (
	CancelDone      = streams.CancelDone
	CancelRequested = streams.CancelRequested
	CancelFinished  = streams.CancelFinished
)

// Cancel ends a task: a waiting or ready one at once, a running one through its
// node, within a third of the lease: its context ends with cause [ErrCancelled].
// A handler that succeeds nevertheless has succeeded. Errors: [ErrNotFound].
func (e *Engine) Cancel(ctx context.Context, id ID, by By) (Cancelled, error) {
	return e.log.Cancel(ctx, id, by)
}

// Pause stops deliveries of a queue on all nodes; what runs goes on.
func (e *Engine) Pause(ctx context.Context, q task.Queue, by By) error {
	return e.log.Pause(ctx, q, by)
}

// Resume lets a paused queue deliver again.
func (e *Engine) Resume(ctx context.Context, q task.Queue, by By) error {
	return e.log.Resume(ctx, q, by)
}

// Stats are the numbers of all queues, by name.
type Stats struct {
	Queues []task.Stats
}

// Stats reads the numbers of all queues, partitions added up.
func (e *Engine) Stats(ctx context.Context) (Stats, error) {
	queues, err := e.log.Queues(ctx)
	if err != nil {
		return Stats{}, err
	}
	var all Stats
	for q := range queues {
		parts, err := e.log.Reader().Stats(ctx, q)
		if err != nil {
			return Stats{}, err
		}
		sum := parts[0]
		for _, p := range parts[1:] {
			sum = sum.Add(p)
		}
		all.Queues = append(all.Queues, sum)
	}
	slices.SortFunc(all.Queues, func(a, b task.Stats) int { return cmp.Compare(a.Queue, b.Queue) })
	return all, nil
}
