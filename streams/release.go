package streams

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/task"
)

// Waiting is the zset of one partition, as a releaser needs it. Every method
// may be called by any number of nodes: release is idempotent and judges due
// times by the clock of Redis.
type Waiting struct {
	part   *partition
	reader redis.UniversalClient // its own connection: it blocks
	closed atomic.Bool
}

// Waiting opens the waiting tasks of partition n of a queue.
func (l *Log) Waiting(ctx context.Context, q task.Queue, n int) (*Waiting, error) {
	ps, err := l.partitions(ctx, q, true)
	if err != nil {
		return nil, err
	}
	if n < 0 || n >= len(ps) {
		return nil, fmt.Errorf("waiting %s: no partition %d", q, n)
	}
	return &Waiting{part: ps[n], reader: l.target.blocking()}, nil
}

// Close ends a Wake that blocks.
func (w *Waiting) Close() error {
	if w.closed.Swap(true) {
		return nil
	}
	return w.reader.Close()
}

// Upcoming returns the soonest limit dues and the time, by the clock of Redis.
func (w *Waiting) Upcoming(ctx context.Context, limit int) (dues []task.Due, nowMs int64, err error) {
	p := w.part
	pipe := p.log.db.Pipeline()
	soonest := pipe.ZRangeWithScores(ctx, p.Partition.Waiting, 0, int64(limit)-1)
	now := pipe.Time(ctx)
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, 0, fmt.Errorf("upcoming %s: %w", p.Queue, mapError(err))
	}
	for _, z := range soonest.Val() {
		name, _ := z.Member.(string)
		if id, err := task.ParseID(name); err == nil {
			dues = append(dues, task.Due{ID: id, Ms: int64(z.Score)})
		}
	}
	return dues, now.Val().UnixMilli(), nil
}

// releaseBatch is how many tasks one call of the script releases, and releaseCalls how
// many of those share one trip.
const (
	releaseBatch = 128
	releaseCalls = 4

	MaxRelease = releaseCalls * releaseBatch
)

// Release makes those of the tasks deliverable that are due, in their order; at most
// MaxRelease of them. It returns how many it released, when the next falls due (0: none
// waits), and the time, both by the clock of Redis.
//
// The calls of one trip are made one after the other, so what falls due earlier is
// released earlier, where none is refused: that one is asked again after the others.
// Which of them were made, where an error comes back, is not known; asked again, they
// pass over what they have released.
func (w *Waiting) Release(ctx context.Context, ids []task.ID) (released int, nextMs, nowMs int64, err error) {
	var calls []invocation
	for batch := range slices.Chunk(ids[:min(len(ids), MaxRelease)], releaseBatch) {
		calls = append(calls, w.part.release(batch))
	}
	if len(ids) == 0 {
		calls = append(calls, w.part.release(nil)) // which tells what comes next
	}
	replies, err := w.part.callAll(ctx, releaseScript, calls)
	if err != nil {
		return 0, 0, 0, err
	}
	for _, r := range replies {
		released, nextMs, nowMs = released+int(r.number(1)), r.number(2), r.number(3)
	}
	return released, nextMs, nowMs, nil
}

// release writes the arguments of one call.
func (p *partition) release(ids []task.ID) invocation {
	ks := newChunks(p, p.Meta, p.Tasks, p.Events, p.Waiting, p.Copies)
	args := make([]any, 1, 1+2*len(ids)+3)
	args[0] = len(ids)
	for _, id := range ids {
		args = append(args, id.String())
	}
	for _, id := range ids {
		args = append(args, id.Birth().String())
	}
	for i := 0; i < len(ids); {
		first, from := ids[i].LSN(), i
		chunk := ks.index(first)
		for i++; i < len(ids) && ids[i].LSN() == first+int64(i-from) && ks.index(ids[i].LSN()) == chunk; {
			i++
		}
		args = append(args, first, chunk, i-from)
	}
	return invocation{ks.keys, args}
}

// Wake waits until a task was added that is due before all others, at most d or
// maxBlock, and reports whether one was.
func (w *Waiting) Wake(ctx context.Context, d time.Duration) (bool, error) {
	if w.part.log.closed.Load() {
		return false, fmt.Errorf("wake %s: %w", w.part.Queue, task.ErrClosed)
	}
	d = min(max(d, 10*time.Millisecond), maxBlock)                             // 0 would block for ever
	err := w.reader.Do(ctx, "BLPOP", w.part.Partition.Wake, d.Seconds()).Err() // BLPop rounds to seconds
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("wake %s: %w", w.part.Queue, mapError(err))
	}
	return true, nil
}

// Hold takes or renews a role for a while. It is economy, not safety: two
// holders do the same work twice, without harm.
func (w *Waiting) Hold(ctx context.Context, role, who string, ttl time.Duration) (bool, error) {
	return w.part.hold(ctx, role, who, ttl)
}

func (p *partition) hold(ctx context.Context, role, who string, ttl time.Duration) (bool, error) {
	v, err := holdScript.run(ctx, p.log.db, []string{p.Role(role)}, []any{who, ttl.Milliseconds()})
	if err != nil {
		return false, fmt.Errorf("hold %s of %s: %w", role, p.Queue, mapError(err))
	}
	return v == int64(1), nil
}
