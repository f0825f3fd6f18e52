package replay

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/task"
)

// State is what a history says of a moment.
type State struct {
	At     time.Time        `json:"at,omitzero"` // of the latest event in it
	Queues []QueueState     `json:"queues"`      // in order of their names
	AsOf   map[string]int64 `json:"as_of"`       // the lsn each partition is true at

	moment Moment
	parts  []part
}

// QueueState is one queue at a moment. A delivery is no event, so a running task
// is ready to the log; only a reclaim tells that somebody had held it.
type QueueState struct {
	Queue      task.Queue `json:"queue"`
	Partitions int        `json:"partitions"`
	Waiting    int64      `json:"waiting"`
	Ready      int64      `json:"ready"` // or running
	Taken      int64      `json:"taken"` // of the ready: taken over from a consumer that was silent
	Cancelling int64      `json:"cancelling"`
	Dead       int64      `json:"dead"` // held for requeue
	Lost       int64      `json:"lost"`
	Paused     bool       `json:"paused"`
	Partial    bool       `json:"partial"` // some history was trimmed: totals count from there

	Enqueued  int64 `json:"enqueued_total"` // totals up to then
	Succeeded int64 `json:"succeeded_total"`
	Retried   int64 `json:"retried_total"`
	Snoozed   int64 `json:"snoozed_total"`
	Buried    int64 `json:"dead_total"`
	Cancelled int64 `json:"cancelled_total"`
	Expired   int64 `json:"expired_total"`
	Requeued  int64 `json:"requeued_total"`
	Purged    int64 `json:"purged_total"`

	Oldest    *task.ID  `json:"oldest,omitempty"` // of the open tasks
	OldestAt  time.Time `json:"oldest_at,omitzero"`
	NextDueAt time.Time `json:"next_due_at,omitzero"` // of the waiting tasks
}

// add takes in one partition; those of a queue come one after the other.
func (s *State) add(p part, f *task.Fold) {
	if n := len(s.Queues); n == 0 || s.Queues[n-1].Queue != p.queue {
		s.Queues = append(s.Queues, QueueState{Queue: p.queue})
	}
	s.Queues[len(s.Queues)-1].add(f)
	s.AsOf[p.name()] = f.LastLSN
	if at := time.UnixMilli(f.Last.Ms).UTC(); f.LastLSN > 0 && at.After(s.At) {
		s.At = at
	}
}

func (q *QueueState) add(f *task.Fold) {
	q.Partitions++
	q.Paused, q.Partial = q.Paused || f.Paused, q.Partial || f.Partial
	n := f.Counts
	q.Enqueued += n[task.Born] + n[task.Scheduled]
	q.Retried, q.Snoozed = q.Retried+n[task.OutcomeRetry], q.Snoozed+n[task.OutcomeSnooze]
	q.Succeeded, q.Buried = q.Succeeded+n[task.OutcomeSuccess], q.Buried+n[task.OutcomeDead]
	q.Cancelled, q.Expired = q.Cancelled+n[task.OutcomeCancel], q.Expired+n[task.OutcomeExpire]
	q.Requeued, q.Purged = q.Requeued+n[task.Requeued], q.Purged+n[task.PurgedDead]
	states := f.States()
	q.Waiting, q.Ready = q.Waiting+states[task.Waiting], q.Ready+states[task.Ready]
	q.Dead, q.Lost = q.Dead+states[task.Dead], q.Lost+states[task.Lost]
	for id, l := range f.Tasks {
		q.life(id, l)
	}
}

// life takes in what counts do not tell.
func (q *QueueState) life(id task.ID, l *task.Life) {
	switch l.State {
	case task.Waiting:
		if due := time.UnixMilli(l.DueMs).UTC(); q.NextDueAt.IsZero() || due.Before(q.NextDueAt) {
			q.NextDueAt = due
		}
	case task.Ready:
		if l.Taken > 0 {
			q.Taken++
		}
		if l.Marked {
			q.Cancelling++
		}
	default:
		return
	}
	if q.Oldest == nil || bytes.Compare(id[:], q.Oldest[:]) < 0 {
		q.Oldest, q.OldestAt = &id, id.Time().UTC()
	}
}

// Task tells where a task stood at the moment, by a fold of its own events, so
// that it knows of the ended too. Errors: [task.ErrNotFound] if it was not born
// yet, is in none of the queues, or its history was trimmed.
func (s *State) Task(ctx context.Context, id task.ID) (task.Status, error) {
	events, err := timeline(ctx, s.parts, id, s.moment.bound())
	if err != nil {
		return task.Status{}, fmt.Errorf("state of %s at %s: %w", id, s.moment, err)
	}
	return status(id, events), nil
}
