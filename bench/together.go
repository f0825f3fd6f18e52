package bench

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/replay/archive"
)

// producers of the end-to-end scenario.
const producers = 4

// endToEnd enqueues and runs at once, 64 tasks a call.
func endToEnd(ctx context.Context, r *run) (figures, error) {
	eng, err := r.openShape(ctx, shape{queues: 1}, 64)
	if err != nil {
		return nil, err
	}
	defer eng.Close()
	const each = 64
	calls := max(1, r.opts.Tasks/each)
	left := newCountdown(calls * each)
	eng.HandleRaw(noop.Name(), func(context.Context, *engine.Delivery) error {
		left.done()
		return nil
	})
	return r.timed(ctx, calls*each, func() error {
		return together(ctx, func(ctx context.Context) error {
			return runUntil(ctx, eng, left.zero)
		}, func(ctx context.Context) error {
			return spreadOver(producers, calls, func() error { return fill(ctx, eng, each, engine.DefaultQueue) })
		})
	})
}

func floorEndToEnd(ctx context.Context, r *run) (figures, error) {
	if err := r.group(ctx); err != nil {
		return nil, err
	}
	const each = 64
	calls := max(1, r.opts.Tasks/each)
	return r.timed(ctx, calls*each, func() error {
		return together(ctx, func(ctx context.Context) error {
			return r.consume(ctx, calls*each, time.Second, nil)
		}, func(ctx context.Context) error {
			return spreadOver(producers, calls, func() error { return r.floorFill(ctx, each) })
		})
	})
}

// slotCount of the scenarios that ask whether slots stay full.
const slotCount = 64

// busy adds up how long handlers ran, and when the first began and the last ended.
type busy struct {
	mu          sync.Mutex
	sum         time.Duration
	first, last time.Time
}

func (b *busy) handle(d time.Duration) {
	began := time.Now()
	time.Sleep(d)
	ended := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.first.IsZero() || began.Before(b.first) {
		b.first = began
	}
	b.last = ended
	b.sum += ended.Sub(began)
}

// figures of n tasks: how much of the slots' time was a handler's.
func (b *busy) figures(n int) figures {
	b.mu.Lock()
	defer b.mu.Unlock()
	took := b.last.Sub(b.first).Seconds()
	return figures{"busy": 100 * b.sum.Seconds() / took / slotCount, "rate": float64(n) / took}
}

// handlers runs a backlog, a share of the tasks, of handlers that take a while.
func handlers(d time.Duration, share float64) side {
	return func(ctx context.Context, r *run) (figures, error) {
		eng, err := r.openShape(ctx, shape{queues: 1}, slotCount)
		if err != nil {
			return nil, err
		}
		defer eng.Close()
		n := r.share(share)
		if err := fill(ctx, eng, n, engine.DefaultQueue); err != nil {
			return nil, err
		}
		var b busy
		left := newCountdown(n)
		eng.HandleRaw(noop.Name(), func(context.Context, *engine.Delivery) error {
			b.handle(d)
			left.done()
			return nil
		})
		if err := runUntil(ctx, eng, left.zero); err != nil {
			return nil, err
		}
		return b.figures(n), nil
	}
}

// floorHandlers is as many goroutines that read, handle and acknowledge one each.
func floorHandlers(d time.Duration, share float64) side {
	return func(ctx context.Context, r *run) (figures, error) {
		n := r.share(share)
		if err := r.floorFill(ctx, n); err != nil {
			return nil, err
		}
		if err := r.group(ctx); err != nil {
			return nil, err
		}
		var b busy
		err := spreadOver(slotCount, n, func() error {
			ids, err := r.read(ctx, 1, -1, nil)
			if err != nil || len(ids) == 0 {
				return err
			}
			b.handle(d)
			return r.db.XAck(ctx, r.floor.Tasks, keys.Group, ids...).Err()
		})
		if err != nil {
			return nil, err
		}
		return b.figures(n), nil
	}
}

// there measures a bulk enqueue and a drain under what the scenario sets.
func there(s shape) side {
	return func(ctx context.Context, r *run) (figures, error) {
		if s.history > 0 {
			if err := r.live(ctx, r.share(s.history)); err != nil {
				return nil, err
			}
		}
		eng, err := r.openShape(ctx, s, 64)
		if err != nil {
			return nil, err
		}
		defer eng.Close()
		if s.archived {
			end, err := r.archive(ctx, eng)
			if err != nil {
				return nil, err
			}
			defer end()
		}
		in, err := r.timed(ctx, r.opts.Tasks, func() error { return fill(ctx, eng, r.opts.Tasks, queueNames(s.queues)...) })
		if err != nil {
			return nil, err
		}
		out, err := r.drainOf(ctx, eng, r.opts.Tasks)
		return figures{"enqueue": in["rate"], "drain": out["rate"]}, err
	}
}

// archive copies the log into a directory, that is removed, until it is ended.
func (r *run) archive(ctx context.Context, eng *engine.Engine) (end func(), err error) {
	dir, err := os.MkdirTemp("", "tidemill-bench-")
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	a := archive.New(archive.Of(eng.Log()), archive.Dir(dir), archive.Options{Namespace: r.opts.Namespace, Every: 100 * time.Millisecond})
	go func() {
		defer close(done)
		_ = a.Run(ctx) // what fails is tried again
	}()
	return func() {
		stop()
		<-done
		_ = os.RemoveAll(dir)
	}, nil
}

// live makes a history of n tasks that succeeded.
func (r *run) live(ctx context.Context, n int) error {
	eng, err := r.openShape(ctx, shape{queues: 1}, 64)
	if err != nil {
		return err
	}
	defer eng.Close()
	if err := fill(ctx, eng, n, engine.DefaultQueue); err != nil {
		return err
	}
	_, err = r.drainOf(ctx, eng, n)
	return err
}

// floorThere is the same by the floor, after a history, a share of the tasks.
func floorThere(history float64) side {
	return func(ctx context.Context, r *run) (figures, error) {
		if history > 0 {
			n := r.share(history)
			if err := r.floorFill(ctx, n); err != nil {
				return nil, err
			}
			if _, err := r.floorDrainOf(ctx, n, n); err != nil {
				return nil, err
			}
		} else if err := r.group(ctx); err != nil {
			return nil, err
		}
		in, err := floorBulk(ctx, r)
		if err != nil {
			return nil, err
		}
		out, err := r.timed(ctx, r.opts.Tasks, func() error { return r.consume(ctx, r.opts.Tasks, -1, nil) })
		return figures{"enqueue": in["rate"], "drain": out["rate"]}, err
	}
}
