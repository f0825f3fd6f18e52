package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// Task is the answer to an enqueue: its id, and whether an older task has the
// same key.
type Task = streams.Enqueued

// Producer takes births. *Engine is one; enginetest has one that records.
type Producer interface {
	Produce(ctx context.Context, births []task.Birth) ([]Task, error)
}

// Enqueue makes one task. When it returns without error, the task is in the log.
//
// Errors: [ErrInvalidName], [ErrInvalidOption], [ErrPayloadTooLarge] before
// anything is sent; [ErrBackpressure]: nothing was written; [ErrUncertain]: it
// may be in, and [Key] makes repeating safe; [ErrUnavailable]; [ErrNotReplicated],
// with the task, which is in: see [Durability].
func (t Type[T]) Enqueue(ctx context.Context, to Producer, v T, opts ...EnqueueOption) (Task, error) {
	tasks, err := t.EnqueueMany(ctx, to, []T{v}, opts...)
	if len(tasks) == 1 {
		return tasks[0], err
	}
	return Task{}, err
}

// EnqueueMany makes a task of each payload, in order and in batches. On an error
// it returns those that are known to be in, which are always the first ones; with
// [ErrNotReplicated] the last batch of them was not confirmed by a replica.
func (t Type[T]) EnqueueMany(ctx context.Context, to Producer, vs []T, opts ...EnqueueOption) ([]Task, error) {
	s := t.defaults
	for _, o := range opts {
		o.enqueue(&s)
	}
	if s.err != nil {
		return nil, fmt.Errorf("enqueue %s: %w", t.name, s.err)
	}
	if s.opts.Key != "" && len(vs) > 1 {
		return nil, fmt.Errorf("enqueue %s: %w: Key: one key for %d tasks", t.name, ErrInvalidOption, len(vs))
	}
	births := make([]task.Birth, len(vs))
	for i, v := range vs {
		payload, err := encode(v)
		if err != nil {
			return nil, fmt.Errorf("enqueue %s: encode payload %d: %w", t.name, i, err)
		}
		births[i] = s.birth(t.name, payload)
	}
	return to.Produce(ctx, births)
}

// birth is one task with these settings.
func (s *settings) birth(name string, payload []byte) task.Birth {
	b := task.Birth{Type: task.Type(name), Queue: task.Queue(s.queue), Payload: payload, Headers: s.headers, Opts: s.opts, Durability: s.durable}
	b.Key, b.KeyTTL = s.opts.Key, s.opts.KeyTTL
	switch {
	case !s.at.IsZero():
		if s.at.After(time.Now()) { // else it runs now
			b.At = s.at
		}
	case s.in > 0:
		b.In = s.in
	}
	return b
}

// Produce makes tasks from births, as Enqueue does for typed payloads. It is
// for those who have no Go type: a command line, a bridge. Errors as of Enqueue.
func (e *Engine) Produce(ctx context.Context, births []task.Birth) ([]Task, error) {
	for i := range births {
		if err := e.check(&births[i]); err != nil {
			return nil, fmt.Errorf("enqueue %s: %w", births[i].Type, err)
		}
	}
	caused(ctx, births)
	ctx, end := e.tel.produce(ctx, births)
	tasks, err := e.log.Enqueue(ctx, births)
	end(err)
	if f := e.opts.Observer.Enqueued; f != nil {
		f(ctx, births[:len(tasks)], tasks)
	}
	return tasks, err
}

// check refuses what must not reach the network.
func (e *Engine) check(b *task.Birth) error {
	if err := task.ValidName("type", string(b.Type)); err != nil {
		return err
	}
	if b.Queue == "" {
		b.Queue = DefaultQueue
	}
	if err := task.ValidName("queue", string(b.Queue)); err != nil {
		return err
	}
	if len(b.Payload) > e.opts.MaxPayload {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrPayloadTooLarge, len(b.Payload), e.opts.MaxPayload)
	}
	switch {
	case b.In > farthest:
		return fmt.Errorf("%w: In: more than ten years ahead", ErrInvalidOption)
	case !b.At.IsZero() && time.Until(b.At) > farthest:
		return fmt.Errorf("%w: At: more than ten years ahead", ErrInvalidOption)
	case b.Opts.Retries < -1: // -1: none
		return fmt.Errorf("%w: Retries: %d is negative", ErrInvalidOption, b.Opts.Retries)
	case b.Opts.Timeout < 0:
		return fmt.Errorf("%w: Timeout: %s is negative", ErrInvalidOption, b.Opts.Timeout)
	}
	if b.Key != "" && b.KeyTTL <= 0 {
		b.KeyTTL = 24 * time.Hour
	}
	return nil
}
