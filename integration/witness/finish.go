package witness

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/integration/history"
)

// ErrMoving is returned by Finish when the log goes on: something still runs.
var ErrMoving = errors.New("the log moves: something still runs")

// settling bounds how often a partition that moves is looked at again.
const settling = 10

// Finish reads everything once more, when nothing runs any more, writes the final
// files and unregisters the cursors. After an error it may be called again.
// Errors: [ErrMoving], and those of Redis and of files.
func (w *Witness) Finish(ctx context.Context) error {
	w.Stop()
	if err := w.register(ctx); err != nil {
		return fmt.Errorf("finish: %w", err)
	}
	if w.fail != nil {
		return fmt.Errorf("finish: %w", w.fail)
	}
	names, err := w.scan(ctx)
	if err != nil {
		return fmt.Errorf("finish: %w", err)
	}
	for i, p := range w.partitions() {
		if err := w.finish(ctx, p, names, i == 0); err != nil {
			return fmt.Errorf("finish %s/%d: %w", p.queue, p.number, err)
		}
	}
	return nil
}

// finish reads log and live keys of one lsn, and writes them.
func (w *Witness) finish(ctx context.Context, p *partition, names []string, first bool) error {
	for range settling {
		p.restart()
		if err := p.follow(ctx, w.client); err != nil {
			return err
		}
		p.orphan()
		w.seen.Add(int64(len(p.fresh)))
		p.fresh = nil
		live, err := w.live(ctx, p)
		if err != nil {
			return err
		}
		if live.Keys, err = w.describe(ctx, w.mine(p, names, first)); err != nil {
			return err
		}
		if err := w.chunks(ctx, p, live.Keys, live); err != nil {
			return err
		}
		still, err := w.still(ctx, p, live)
		if err != nil {
			return err
		}
		if still {
			return errors.Join(p.write(live), p.leave(ctx, w.client))
		}
		if err := pause(ctx, 4*every); err != nil {
			return err
		}
	}
	return ErrMoving
}

// still reports whether the log is where it was when it was read.
func (w *Witness) still(ctx context.Context, p *partition, live *history.Live) (bool, error) {
	now, err := w.client.HGet(ctx, p.prefix+"m", "lsn").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return false, fmt.Errorf("read lsn: %w", err)
	}
	read := ""
	if p.lsn > 0 {
		read = strconv.FormatInt(p.lsn, 10)
	}
	return now == read && now == live.Meta["lsn"], nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
