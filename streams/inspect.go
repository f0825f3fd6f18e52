package streams

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/task"
)

// Info is what the server tells of itself in INFO. A Cluster answers from one of
// its nodes.
func (r *Reader) Info(ctx context.Context) (map[string]string, error) {
	info, err := r.log.info(ctx)
	if err != nil {
		return nil, fmt.Errorf("info: %w", err)
	}
	return info, nil
}

// Now is the time by the clock of Redis, which orders and releases everything.
func (r *Reader) Now(ctx context.Context) (time.Time, error) {
	now, err := r.log.db.Time(ctx).Result()
	if err != nil {
		return time.Time{}, fmt.Errorf("time: %w", mapError(err))
	}
	return now, nil
}

// End is the position of the last entry of partition n of a queue, where Events
// goes on with what is written next.
func (r *Reader) End(ctx context.Context, q task.Queue, n int) (task.Position, error) {
	p, err := r.part(ctx, q, n)
	if err != nil {
		return task.Position{}, err
	}
	pipe := r.log.db.Pipeline() // no transaction: Redis refuses one when memory is full
	last := []*redis.XMessageSliceCmd{
		pipe.XRevRangeN(ctx, p.Tasks, "+", "-", 1), pipe.XRevRangeN(ctx, p.Events, "+", "-", 1),
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return task.Position{}, fmt.Errorf("read %s: %w", q, mapError(err))
	}
	var end task.Position
	for _, cmd := range last {
		for _, m := range cmd.Val() {
			at, err := task.ParsePosition(m.ID)
			if err != nil {
				return end, err
			}
			if at.Ms > end.Ms || at.Ms == end.Ms && at.LSN > end.LSN {
				end = at
			}
		}
	}
	return end, nil
}
