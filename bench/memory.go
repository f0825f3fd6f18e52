package bench

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/tidemill/tidemill/engine"
)

// bytesDelayed is what a task that waits for its time costs.
func bytesDelayed(ctx context.Context, r *run) (figures, error) {
	return r.bytesOf(ctx, func() error { return r.delayed(ctx, r.opts.Tasks) })
}

// bytesReady is what a task that nobody took costs.
func bytesReady(ctx context.Context, r *run) (figures, error) {
	return r.bytesOf(ctx, func() error {
		eng, err := r.open(ctx, noOptions)
		if err != nil {
			return err
		}
		return errors.Join(fill(ctx, eng, r.opts.Tasks, engine.DefaultQueue), eng.Close())
	})
}

// bytesDone is what a task leaves behind until its history is trimmed.
func bytesDone(ctx context.Context, r *run) (figures, error) {
	return r.bytesOf(ctx, func() error { return r.live(ctx, r.opts.Tasks) })
}

func floorBytes(ctx context.Context, r *run) (figures, error) {
	return r.bytesOf(ctx, func() error { return r.floorFill(ctx, r.opts.Tasks) })
}

// bytesOf measures what load adds to the memory of the server, a task.
func (r *run) bytesOf(ctx context.Context, load func() error) (figures, error) {
	before, err := r.server.used(ctx)
	if err != nil {
		return nil, err
	}
	if err := load(); err != nil {
		return nil, err
	}
	after, err := r.server.used(ctx)
	return figures{"bytes": float64(after-before) / float64(r.opts.Tasks)}, err
}

// freeWithin bounds the wait for what others have unlinked on a user's Redis.
const freeWithin = 5 * time.Second

// used memory, when nothing waits to be freed.
func (s *server) used(ctx context.Context) (int64, error) {
	for end := time.Now().Add(freeWithin); ; {
		info, err := s.db.InfoMap(ctx, "memory").Result()
		if err != nil {
			return 0, err
		}
		if n := info["Memory"]["lazyfree_pending_objects"]; n == "0" || n == "" || time.Now().After(end) {
			return strconv.ParseInt(info["Memory"]["used_memory"], 10, 64)
		}
		if err := wait(ctx, 5*time.Millisecond); err != nil {
			return 0, err
		}
	}
}
