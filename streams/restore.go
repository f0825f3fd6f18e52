package streams

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/task"
)

// ErrNotEmpty: the namespace to restore into holds something.
var ErrNotEmpty = errors.New("namespace is not empty")

// Past is one partition as it was: its number in the registry, which task ids hold,
// and all entries of its log up to the moment.
type Past struct {
	Number  task.Partition
	Entries iter.Seq2[task.Entry, error]
}

// Restore writes a queue into a namespace that must be empty but for queues which
// were restored before: its log, with the addresses it had, and what the log says
// was waiting and dead. The queue has no group: whoever opens it first begins a new
// epoch and rebuilds the group from the log, and nodes take over what was ready or
// running at once, as from a consumer that died.
//
// The meta hash is written last. A restore that stops before it leaves a queue that
// no node reads and a second restore refuses: delete the namespace and begin anew.
// Idempotency keys are not restored. What was open then and was redacted since has
// nothing to run with: it is cancelled, by "restore".
func (l *Log) Restore(ctx context.Context, q task.Queue, parts []Past) error {
	if err := l.vacant(ctx, q); err != nil {
		return fmt.Errorf("restore %s: %w", q, err)
	}
	numbers := ""
	for i, past := range parts {
		p := &partition{Partition: keys.New(l.ns, q, past.Number), log: l}
		if err := newRestoring(p).run(ctx, past.Entries); err != nil {
			return fmt.Errorf("restore %s/%d: %w", q, i, err)
		}
		if numbers += ","; i == 0 {
			numbers = ""
		}
		numbers += strconv.Itoa(int(past.Number))
	}
	got, err := registerScript.run(ctx, l.db, []string{keys.Registry(l.ns)}, []any{string(q), 0, numbers})
	if err == nil && got != numbers {
		err = ErrNotEmpty
	}
	if err != nil {
		return fmt.Errorf("restore %s: %w", q, mapError(err))
	}
	return nil
}

// vacant looks for keys of the queue, and for the queue in the registry.
func (l *Log) vacant(ctx context.Context, q task.Queue) error {
	known, err := l.db.HExists(ctx, keys.Registry(l.ns), string(q)).Result()
	if err != nil {
		return mapError(err)
	}
	found, err := l.anyKey(ctx, keys.Pattern(l.ns, q))
	if err == nil && (known || found) {
		err = ErrNotEmpty
	}
	return err
}

// anyKey reports whether a key matches.
func (l *Log) anyKey(ctx context.Context, pattern string) (bool, error) {
	found := false
	look := func(ctx context.Context, c redis.UniversalClient) error {
		it := c.Scan(ctx, 0, pattern, 1000).Iterator()
		found = it.Next(ctx) || found
		return it.Err()
	}
	if cc, ok := l.db.(*redis.ClusterClient); ok {
		err := cc.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error { return look(ctx, c) })
		return found, mapError(err)
	}
	return found, mapError(look(ctx, l.db))
}

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
	r.fold.Forget = true
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
