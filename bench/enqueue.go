package bench

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/engine"
)

// The floor moves the same bytes with the least commands that could do it: no
// history, no fence, no scripts.

// entry is one XADD with the fields of a birth.
func (r *run) entry(payload []byte) *redis.XAddArgs {
	return &redis.XAddArgs{Stream: r.floor.Tasks, Values: []any{
		"v", "1", "type", noop.Name(), "payload", payload, "ref", "1", "attempt", "1", "headers", "", "opts", "", "due", "", "prev", "",
	}}
}

// producer is an engine that has enqueued: connected, its queue registered.
func (r *run) producer(ctx context.Context) (*engine.Engine, error) {
	eng, err := r.open(ctx, noOptions)
	if err != nil {
		return nil, err
	}
	if err := fill(ctx, eng, 1, engine.DefaultQueue); err != nil {
		return nil, errors.Join(err, eng.Close())
	}
	return eng, nil
}

func enqueueBulk(ctx context.Context, r *run) (figures, error) {
	eng, err := r.producer(ctx)
	if err != nil {
		return nil, err
	}
	defer eng.Close()
	return r.timed(ctx, r.opts.Tasks, func() error { return fill(ctx, eng, r.opts.Tasks, engine.DefaultQueue) })
}

func floorBulk(ctx context.Context, r *run) (figures, error) {
	return r.timed(ctx, r.opts.Tasks, func() error { return r.floorFill(ctx, r.opts.Tasks) })
}

// floorFill adds n entries by pipelines.
func (r *run) floorFill(ctx context.Context, n int) error {
	for n > 0 {
		pipe := r.db.Pipeline()
		for range min(n, batch) {
			pipe.XAdd(ctx, r.entry(payload))
		}
		n -= pipe.Len()
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// enqueueSingly enqueues one task a call, from so many goroutines.
func enqueueSingly(goroutines int) side {
	return func(ctx context.Context, r *run) (figures, error) {
		eng, err := r.producer(ctx)
		if err != nil {
			return nil, err
		}
		defer eng.Close()
		return r.singly(ctx, goroutines, func() error {
			_, err := noop.Enqueue(ctx, eng, payload)
			return err
		})
	}
}

func floorSingly(goroutines int) side {
	return func(ctx context.Context, r *run) (figures, error) {
		return r.singly(ctx, goroutines, func() error { return r.db.XAdd(ctx, r.entry(payload)).Err() })
	}
}

// singly makes single calls: a tenth of the tasks where one comes after the other.
func (r *run) singly(ctx context.Context, goroutines int, call func() error) (figures, error) {
	n := r.opts.Tasks
	if goroutines == 1 {
		n = r.share(10)
	}
	return r.timed(ctx, n, func() error { return spreadOver(goroutines, n, call) })
}
