package enginetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

// Recorder is an engine.Producer that keeps what it is given. The zero value is
// ready. Safe for concurrent use.
//
//  1. Every birth gets an id of its own, ascending in the order of the calls.
//  2. A birth whose type and key were seen before is not kept; the first one's
//     id comes back as Existing. Keys are remembered until Reset, whatever their
//     TTL.
//  3. A call that fails keeps nothing.
type Recorder struct {
	mu     sync.Mutex // guards what follows
	births []task.Birth
	last   int64
	known  map[unique]engine.ID
	err    error
}

type unique struct {
	typ task.Type
	key string
}

var _ engine.Producer = (*Recorder)(nil)

// Produce records births. Errors: as told by FailWith, [engine.ErrPayloadTooLarge]
// beyond the default limit, the cause of a ctx that is done.
func (r *Recorder) Produce(ctx context.Context, births []task.Birth) ([]engine.Task, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return nil, r.err
	}
	for _, b := range births {
		if n := len(b.Payload); n > engine.DefaultMaxPayload {
			return nil, fmt.Errorf("enqueue %s: %w: %d bytes", b.Type, engine.ErrPayloadTooLarge, n)
		}
	}
	tasks := make([]engine.Task, len(births))
	for i, b := range births {
		tasks[i] = r.recordLocked(b)
	}
	return tasks, nil
}

func (r *Recorder) recordLocked(b task.Birth) engine.Task {
	name := unique{b.Type, b.Key}
	if id, ok := r.known[name]; ok {
		return engine.Task{ID: id, Existing: true}
	}
	r.last++
	id := task.NewID(0, 1, task.Position{Ms: time.Now().UnixMilli(), LSN: r.last})
	if b.Key != "" {
		if r.known == nil {
			r.known = map[unique]engine.ID{}
		}
		r.known[name] = id
	}
	if b.Queue == "" {
		b.Queue = engine.DefaultQueue
	}
	b.Payload, b.Headers = slices.Clone(b.Payload), maps.Clone(b.Headers) // the caller may reuse them
	r.births = append(r.births, b)
	return engine.Task{ID: id}
}

// FailWith makes every call fail with err, until FailWith(nil). Interesting ones
// are [engine.ErrBackpressure], [engine.ErrUncertain] and [engine.ErrUnavailable].
func (r *Recorder) FailWith(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

// Births returns all that was recorded, in order.
func (r *Recorder) Births() []task.Birth {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.births)
}

// Reset forgets births and keys, and lets calls succeed again.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.births, r.known, r.err = nil, nil, nil
}

// Of returns the payloads that were enqueued with type t, in order. It panics on
// one that is no T, which only Produce can have brought.
func Of[T any](r *Recorder, t engine.Type[T]) []T {
	var vs []T
	for _, b := range r.Births() {
		if string(b.Type) != t.Name() {
			continue
		}
		v, err := t.Decode(b.Payload)
		if err != nil {
			panic(fmt.Sprintf("enginetest: payload of a %s: %v", t.Name(), err))
		}
		vs = append(vs, v)
	}
	return vs
}
