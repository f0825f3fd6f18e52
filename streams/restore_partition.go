package streams

import (
	"context"
	"iter"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/task"
)

// restoring writes one partition. It keeps what is open and dead, not what ended.
type restoring struct {
	p      *partition
	fold   *task.Fold
	bodies map[task.ID]wire.Fields // the entry that last held a task's payload
	last   map[task.ID]task.Event  // what led to where a task waits or lies dead
	erased map[task.ID]bool        // that payload was redacted since
	asked  map[task.ID]int64       // lsn of a cancel request

	highest int64 // epoch that the log tells of
}

func newRestoring(p *partition) *restoring {
	r := &restoring{
		p: p, fold: task.NewFold(), bodies: map[task.ID]wire.Fields{}, last: map[task.ID]task.Event{},
		erased: map[task.ID]bool{}, asked: map[task.ID]int64{},
	}
	r.fold.Forget, r.fold.Dropped = true, nil
	return r
}

func (r *restoring) run(ctx context.Context, entries iter.Seq2[task.Entry, error]) error {
	pipe := r.p.log.db.Pipeline()
	flush := func() error {
		_, err := pipe.Exec(ctx)
		pipe = r.p.log.db.Pipeline()
		return mapError(err)
	}
	for e, err := range entries {
		if err != nil {
			return err
		}
		if r.fold.LastLSN == 0 && e.At.LSN > 1 {
			r.fold.Partial = true
		}
		stream := r.p.Events
		for _, ev := range wire.Events(r.p.Number, e.At, e.Fields) {
			if r.take(e, &ev) {
				stream = r.p.Tasks
			}
		}
		add(ctx, pipe, stream, e)
		if pipe.Len() >= maxItems {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	r.withdraw(ctx, pipe)
	r.sets(ctx, pipe)
	if err := flush(); err != nil {
		return err
	}
	return mapError(r.p.log.db.HSet(ctx, r.p.Meta, r.meta()...).Err())
}

// add writes an entry where it stood.
func add(ctx context.Context, pipe redis.Pipeliner, stream string, e task.Entry) {
	args := []any{"XADD", stream, e.At.String()}
	for _, f := range e.Fields {
		args = append(args, string(f))
	}
	pipe.Do(ctx, args...)
}

// take folds an event, and reports whether its entry is one of t.
func (r *restoring) take(e task.Entry, ev *task.Event) bool {
	r.fold.Add(ev)
	id := ev.Task
	r.highest = max(r.highest, int64(id.Epoch()), epochIn(ev))
	if r.fold.Tasks[id] == nil {
		delete(r.bodies, id)
		delete(r.last, id)
		delete(r.asked, id)
		delete(r.erased, id)
		return false
	}
	switch ev.Kind {
	case task.Born, task.Scheduled, task.Released, task.HandedBack:
		f := make(wire.Fields, len(e.Fields))
		for i, v := range e.Fields {
			f[i] = append([]byte(nil), v...)
		}
		r.bodies[id], r.erased[id] = f, e.Erased
	case task.CancelRequested:
		r.asked[id] = ev.At.LSN
	}
	r.last[id] = *ev
	return ev.Kind != task.Scheduled && ev.Type != ""
}
