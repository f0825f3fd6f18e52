package streams

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/task"
)

// Retention bounds what is kept. Zero values mean the defaults; of a queue, what its
// nodes say.
type Retention struct {
	Age   time.Duration // of the log; default 24 h
	Bytes int64         // of both streams of a partition; default 256 MiB
	Dead  time.Duration // of dead tasks; default 30 days
}

// Defaults of [Retention].
const (
	DefaultAge   = 24 * time.Hour
	DefaultBytes = 256 << 20
	DefaultDead  = 30 * 24 * time.Hour
)

// WithDefaults fills what is not set.
func (r Retention) WithDefaults() Retention {
	return Retention{Age: cmp.Or(r.Age, DefaultAge), Bytes: cmp.Or(r.Bytes, DefaultBytes), Dead: cmp.Or(r.Dead, DefaultDead)}
}

// trimLease is how long the last one to trim is the one to trim.
const trimLease = 20 * time.Second

// byRetention is who purges the dead that grew old.
var byRetention = By{Actor: "tidemill", Reason: "retention"}

// Trim cuts the log of partition n of a queue to its retention: keep, where
// [Log.SetRetention] did not set another. What is pending, undelivered, waiting or
// registered is spared, by the script. Where the archive stands in the way for too
// long it marks the partition full. It returns how many entries went. Any node may
// call it: who of them works is decided by a soft lease, and two at once do no harm.
func (l *Log) Trim(ctx context.Context, q task.Queue, n int, who string, keep Retention) (removed int64, err error) {
	ps, err := l.partitions(ctx, q, false)
	if err != nil {
		return 0, err
	}
	if n < 0 || n >= len(ps) {
		return 0, fmt.Errorf("trim %s: no partition %d", q, n)
	}
	p := ps[n]
	if held, err := p.hold(ctx, "trimmer", who, trimLease); err != nil || !held {
		return 0, err
	}
	set, full, err := p.settings(ctx)
	if err != nil {
		return 0, fmt.Errorf("trim %s: %w", q, err)
	}
	keep = set.or(keep.WithDefaults())
	if err := p.purgeOld(ctx, keep); err != nil {
		return 0, err
	}
	cut, size, err := p.cut(ctx, keep)
	if err != nil {
		return 0, fmt.Errorf("trim %s: %w", q, err)
	}
	if removed, err = p.trim(ctx, cut); err != nil {
		return removed, err
	}
	return removed, p.press(ctx, cut, size > fullAt*keep.Bytes, full)
}

// LSN is the last lsn of partition n of a queue, and whether it is marked full: then
// a trim is due also where nothing is written.
func (l *Log) LSN(ctx context.Context, q task.Queue, n int) (lsn int64, full bool, err error) {
	ps, err := l.partitions(ctx, q, false)
	if err != nil {
		return 0, false, err
	}
	if n < 0 || n >= len(ps) {
		return 0, false, fmt.Errorf("lsn of %s: no partition %d", q, n)
	}
	v, err := l.db.HMGet(ctx, ps[n].Meta, "lsn", "full").Result()
	if err != nil {
		return 0, false, fmt.Errorf("lsn of %s: %w", q, mapError(err))
	}
	return reply(v).number(0), v[1] != nil, nil
}

// trim runs the three steps of the script until nothing is left to remove.
func (p *partition) trim(ctx context.Context, cutMs int64) (removed int64, err error) {
	ks := []string{p.Meta, p.Tasks, p.Events, p.Waiting, p.Copies, p.Cancels, p.Cursors, p.Redacted}
	cursor, plan := "", ""
	for {
		r, err := p.call(ctx, trimScript, ks, cutMs, cursor, plan)
		if err != nil {
			return removed, err
		}
		if r.word() == "KEEP" {
			cursor, plan = r.text(1), r.text(2)
			continue
		}
		removed += r.number(1)
		if r.number(1) == 0 {
			return removed, p.dropChunks(ctx, r.number(2))
		}
		cursor, plan = "", ""
	}
}

// cut is the ms before which the log may go: by age, or sooner where it is too
// big, supposing that it grew evenly; and how big it is.
func (p *partition) cut(ctx context.Context, keep Retention) (cut, total int64, err error) {
	db := p.log.db
	now, err := db.Time(ctx).Result()
	if err != nil {
		return 0, 0, mapError(err)
	}
	cut = now.Add(-keep.Age).UnixMilli()
	pipe := db.Pipeline()
	sizes := []*redis.IntCmd{pipe.MemoryUsage(ctx, p.Tasks), pipe.MemoryUsage(ctx, p.Events)}
	firsts := []*redis.XMessageSliceCmd{pipe.XRangeN(ctx, p.Tasks, "-", "+", 1), pipe.XRangeN(ctx, p.Events, "-", "+", 1)}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) && !p.log.target.memory {
		return 0, 0, mapError(err)
	}
	oldest := now.UnixMilli()
	for i := range sizes {
		total += sizes[i].Val()
		for _, m := range firsts[i].Val() {
			if at, err := task.ParsePosition(m.ID); err == nil {
				oldest = min(oldest, at.Ms)
			}
		}
	}
	if total > keep.Bytes {
		span := float64(now.UnixMilli() - oldest)
		cut = max(cut, oldest+int64(span*(1-float64(keep.Bytes)/float64(total)))+1)
	}
	return cut, total, nil
}

// dropChunks unlinks the index chunks below the floor. Nothing writes below it,
// so no script is needed; the cursor moves after the deletion.
func (p *partition) dropChunks(ctx context.Context, floor int64) error {
	db := p.log.db
	from, err := db.HGet(ctx, p.Meta, "chunk").Int64()
	if err != nil && !errors.Is(err, redis.Nil) {
		return mapError(err)
	}
	for to := floor >> chunkBits; from < to; {
		var names []string
		for ; from < to && len(names) < 1000; from++ { // an epoch's jump leaves many that never were
			names = append(names, p.Chunk(from<<chunkBits))
		}
		if err := db.Unlink(ctx, names...).Err(); err != nil {
			return mapError(err)
		}
		err := mapError(db.HSet(ctx, p.Meta, "chunk", from).Err())
		if errors.Is(err, task.ErrBackpressure) {
			return nil // memory is full: the next trim unlinks them once more
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// purgeOld removes dead tasks that are older than their retention.
func (p *partition) purgeOld(ctx context.Context, keep Retention) error {
	for {
		now, err := p.log.db.Time(ctx).Result()
		if err != nil {
			return mapError(err)
		}
		names, err := p.log.db.ZRangeByScore(ctx, p.Dead, &redis.ZRangeBy{
			Min: "-inf", Max: fmt.Sprint(now.Add(-keep.Dead).UnixMilli()), Count: maxItems,
		}).Result()
		if err != nil || len(names) == 0 {
			return mapError(err)
		}
		ids := make([]task.ID, 0, len(names))
		for _, s := range names {
			if id, err := task.ParseID(s); err == nil {
				ids = append(ids, id)
			}
		}
		if n, err := p.purge(ctx, ids, byRetention); err != nil || n == 0 {
			return err
		}
	}
}
