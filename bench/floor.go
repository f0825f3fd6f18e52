package bench

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// The floor moves the same bytes with the least commands that could do it: no
// history, no fence, no scripts.

// add is one entry with the fields of a birth.
func (r *run) add(payload []byte) *redis.XAddArgs {
	return &redis.XAddArgs{Stream: r.name, Values: []any{
		"v", "1", "type", "bench.noop", "payload", payload, "ref", "1", "attempt", "1", "headers", "", "opts", "", "due", "", "prev", "",
	}}
}

func floorBulk(ctx context.Context, r *run) (figures, error) {
	began := time.Now()
	err := r.fill(ctx)
	return figures{"rate": rate(r.opts.Tasks, began)}, err
}

// fill adds the backlog by pipelines of 256.
func (r *run) fill(ctx context.Context) error {
	for left := r.opts.Tasks; left > 0; {
		pipe := r.db.Pipeline()
		for range min(left, 256) {
			pipe.XAdd(ctx, r.add(payload))
		}
		left -= pipe.Len()
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

func floorSingly(goroutines int) side {
	return func(ctx context.Context, r *run) (figures, error) {
		return spread(goroutines, singles(r, goroutines), func() error {
			return r.db.XAdd(ctx, r.add(payload)).Err()
		})
	}
}

// floorDrain reads and acknowledges, a batch at a time, in one goroutine.
func floorDrain(ctx context.Context, r *run) (figures, error) {
	if err := r.fill(ctx); err != nil {
		return nil, err
	}
	if err := r.db.XGroupCreate(ctx, r.name, "g", "0").Err(); err != nil {
		return nil, err
	}
	began := time.Now()
	for done := 0; done < r.opts.Tasks; {
		ids, err := r.readGroup(ctx, 256, -1, nil)
		if err != nil {
			return nil, err
		}
		if err := r.db.XAck(ctx, r.name, "g", ids...).Err(); err != nil {
			return nil, err
		}
		done += len(ids)
	}
	return figures{"rate": rate(r.opts.Tasks, began)}, nil
}

// readGroup reads a batch and returns the ids.
func (r *run) readGroup(ctx context.Context, n int64, block time.Duration, each func(redis.XMessage)) ([]string, error) {
	got, err := r.db.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "g", Consumer: "c", Streams: []string{r.name, ">"}, Count: n, Block: block}).Result()
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

// floorPickup is the wake-up of a blocked read.
func floorPickup(ctx context.Context, r *run) (figures, error) {
	if err := r.db.XGroupCreateMkStream(ctx, r.name, "g", "0").Err(); err != nil {
		return nil, err
	}
	t := newTimes(pickups)
	failed := make(chan error, 2)
	go func() {
		failed <- paced(ctx, 1000, pickups, func() error { return r.db.XAdd(ctx, r.add(stamp())).Err() })
	}()
	for done := 0; done < pickups; {
		ids, err := r.readGroup(ctx, 64, time.Second, func(m redis.XMessage) {
			s, _ := m.Values["payload"].(string)
			t.add(age([]byte(s)))
		})
		if err != nil {
			return nil, err
		}
		done += len(ids)
		if len(ids) > 0 {
			if err := r.db.XAck(ctx, r.name, "g", ids...).Err(); err != nil {
				return nil, err
			}
		}
	}
	return t.figures(), <-failed
}

func floorBytes(ctx context.Context, r *run) (figures, error) {
	return r.memory(ctx, func() error { return r.fill(ctx) })
}

// memory is what load adds to used_memory, a task.
func (r *run) memory(ctx context.Context, load func() error) (figures, error) {
	before, err := r.used(ctx)
	if err != nil {
		return nil, err
	}
	if err := load(); err != nil {
		return nil, err
	}
	after, err := r.used(ctx)
	return figures{"bytes": float64(after-before) / float64(r.opts.Tasks)}, err
}

func (r *run) used(ctx context.Context) (int64, error) {
	info, err := r.db.InfoMap(ctx, "memory").Result()
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(info["Memory"]["used_memory"], 10, 64)
}
