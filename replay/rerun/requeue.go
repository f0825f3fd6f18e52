package rerun

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// Enqueuer makes tasks; one over Engine.Produce is three lines.
type Enqueuer interface {
	// Enqueue makes a task of each birth, in order. On an error those that are known
	// to be in are returned, which are the first ones.
	Enqueue(ctx context.Context, births []task.Birth) ([]Enqueued, error)
}

// Enqueued is what became of a birth.
type Enqueued struct {
	ID       task.ID
	Existing bool // an older task has the same key
}

// Requeue runs ended tasks again, as new ones. Each has the payload, the headers,
// retries and timeout of the old one, and names in its headers its cause and the
// replay. Its idempotency key is the name of the replay and the old id: while it is
// remembered, the same requeue can be run again and makes no task twice.
//
// Left out is what must not run again by this: tasks that a replay made, and lives
// that an operator's requeue has followed.
type Requeue struct {
	Scope                       // Name is required; Limit counts tasks
	To            Enqueuer      // required
	Into          task.Queue    // where the tasks go; default the recorded queue
	Keep          time.Duration // how long the keys are remembered; default 7 days
	Actor, Reason string        // both required, for the headers
}

// Tally is what a run that enqueues did.
type Tally struct {
	Enqueued int           `json:"enqueued"`
	Existing int           `json:"existing"` // by the same replay, before
	LeftOut  int           `json:"left_out"`
	Bytes    int64         `json:"bytes"`   // of payloads
	Late     time.Duration `json:"late_ns"` // the most that one was behind its recorded time
	Took     time.Duration `json:"took_ns"`
}

const (
	requeueKeep  = 7 * 24 * time.Hour
	requeueBatch = 128
)

// Run returns what was done, also with an error.
func (q *Requeue) Run(ctx context.Context, src replay.Source) (Tally, error) {
	if err := q.check(); err != nil {
		return Tally{}, fmt.Errorf("requeue: %w", err)
	}
	again, err := readLives(ctx, src, &q.Filter)
	if err != nil {
		return Tally{}, fmt.Errorf("requeue: %w", err)
	}
	s := newSender(&q.Scope, q.To)
	for r, err := range Read(ctx, src, q.Filter, s.reading) {
		if err == nil && s.full() {
			return s.stop(ctx, "requeue", false, nil)
		}
		switch {
		case err != nil:
		case !r.Ended():
			continue
		case again.leavesOut(&r):
			s.tally.LeftOut++
			continue
		default:
			err = s.add(ctx, q.birth(&r), r.EndedAt, r.place, r.mark())
		}
		if err != nil {
			return s.stop(ctx, "requeue", false, err)
		}
	}
	return s.stop(ctx, "requeue", true, nil)
}

func (q *Requeue) check() error {
	switch {
	case q.To == nil:
		return fmt.Errorf("%w: nothing to enqueue to", task.ErrInvalidOption)
	case q.Name == "":
		return fmt.Errorf("%w: a requeue needs a name", task.ErrInvalidOption)
	case q.Actor == "" || q.Reason == "":
		return fmt.Errorf("%w: a requeue needs an actor and a reason", task.ErrInvalidOption)
	case q.Keep < 0:
		return fmt.Errorf("%w: keys kept for %s", task.ErrInvalidOption, q.Keep)
	}
	return q.validate()
}

// birth is the new task. Its deadline, which belonged to the old one, is gone.
func (q *Requeue) birth(r *Recorded) task.Birth {
	headers := maps.Clone(r.Headers)
	if headers == nil {
		headers = map[string]string{}
	}
	headers[HeaderCause], headers[HeaderReplay] = r.ID.String(), q.Name
	headers[HeaderActor], headers[HeaderReason] = q.Actor, q.Reason
	b := task.Birth{Type: r.Type, Queue: q.Into, Payload: r.Payload, Headers: headers, Key: "replay:" + q.Name + ":" + r.ID.String(), KeyTTL: q.Keep}
	if b.Queue == "" {
		b.Queue = r.Queue
	}
	if b.KeyTTL == 0 {
		b.KeyTTL = requeueKeep
	}
	b.Opts = task.Opts{Retries: r.Opts.Retries, Timeout: r.Opts.Timeout, Key: b.Key, KeyTTL: b.KeyTTL}
	return b
}

// lives knows of tasks that got another life when that was.
type lives map[task.ID]task.Position

// readLives reads who was requeued; its memory is that of those tasks.
func readLives(ctx context.Context, src replay.Source, f *replay.Filter) (lives, error) {
	all := lives{}
	for e, err := range replay.Select(ctx, src, replay.Filter{Queues: f.Queues, Kinds: []task.Kind{task.Requeued}}, nil) {
		if err != nil {
			return nil, err
		}
		all[e.Task] = e.At
	}
	return all, nil
}

// leavesOut reports whether a task must not run again: nobody knows what it was,
// a replay made it, or a life came after the one that ended here.
func (l lives) leavesOut(r *Recorded) bool {
	return r.Type == "" || r.Headers[HeaderReplay] != "" || l[r.ID].LSN > r.At.LSN
}
