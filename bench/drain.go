package bench

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/internal/keys"
)

// noOptions of an engine that only enqueues.
var noOptions engine.Options

// succeed is the handler of no-op tasks.
func succeed(context.Context, *engine.Delivery) error { return nil }

// drain runs a backlog of no-op tasks. It ends when every outcome is recorded.
func drain(concurrency int) side {
	return func(ctx context.Context, r *run) (figures, error) {
		eng, err := r.openShape(ctx, shape{queues: 1}, concurrency)
		if err != nil {
			return nil, err
		}
		defer eng.Close()
		if err := fill(ctx, eng, r.opts.Tasks, engine.DefaultQueue); err != nil {
			return nil, err
		}
		return r.drainOf(ctx, eng, r.opts.Tasks)
	}
}

// drainOf runs n tasks that are there.
func (r *run) drainOf(ctx context.Context, eng *engine.Engine, n int) (figures, error) {
	left := newCountdown(n)
	eng.HandleRaw(noop.Name(), func(context.Context, *engine.Delivery) error {
		left.done()
		return nil
	})
	return r.timed(ctx, n, func() error { return runUntil(ctx, eng, left.zero) })
}

// floorDrain reads and acknowledges a backlog, so many entries a task.
func floorDrain(each int) side {
	return func(ctx context.Context, r *run) (figures, error) {
		if err := r.floorFill(ctx, each*r.opts.Tasks); err != nil {
			return nil, err
		}
		return r.floorDrainOf(ctx, each*r.opts.Tasks, r.opts.Tasks)
	}
}

// floorDrainOf reads n entries, which stand for so many tasks, in one goroutine.
func (r *run) floorDrainOf(ctx context.Context, n, tasks int) (figures, error) {
	if err := r.group(ctx); err != nil {
		return nil, err
	}
	return r.timed(ctx, tasks, func() error { return r.consume(ctx, n, -1, nil) })
}

// group makes the consumer group of the floor.
func (r *run) group(ctx context.Context) error {
	return r.db.XGroupCreateMkStream(ctx, r.floor.Tasks, keys.Group, "0").Err()
}

// consume reads n entries, acknowledges each batch with one XACK, and records it
// with one XADD.
func (r *run) consume(ctx context.Context, n int, block time.Duration, each func(redis.XMessage)) error {
	for n > 0 {
		ids, err := r.read(ctx, batch, block, each)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			continue
		}
		pipe := r.db.Pipeline()
		pipe.XAck(ctx, r.floor.Tasks, keys.Group, ids...)
		pipe.XAdd(ctx, &redis.XAddArgs{Stream: r.floor.Events, Values: []any{"v", "1", "kind", "outcome", "n", len(ids), "outcome", "succeeded"}})
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
		n -= len(ids)
	}
	return nil
}

// read a batch by the group and return the ids; block < 0: do not wait.
func (r *run) read(ctx context.Context, n int64, block time.Duration, each func(redis.XMessage)) ([]string, error) {
	got, err := r.db.XReadGroup(ctx, &redis.XReadGroupArgs{
		Group: keys.Group, Consumer: "c", Streams: []string{r.floor.Tasks, ">"}, Count: n, Block: block,
	}).Result()
	if errors.Is(err, redis.Nil) || err == nil && len(got) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(got[0].Messages))
	for i, m := range got[0].Messages {
		ids[i] = m.ID
		if each != nil {
			each(m)
		}
	}
	return ids, nil
}
