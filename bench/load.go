package bench

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// batch is how many go in one call of the floor, and in one of Tidemill's scripts.
const batch = 256

// maxQueues of a scenario.
const maxQueues = 4

// payload of every task: 100 bytes, as they are.
var payload = []byte(strings.Repeat("x", 100))

var noop = engine.Define[[]byte]("bench.noop")

func payloads(n int) [][]byte { return slices.Repeat([][]byte{payload}, n) }

// shape is what an engine works on, and what was there before.
type shape struct {
	queues, partitions int     // partitions 0: one
	history            float64 // events before, as a share of the tasks
	archived           bool    // an archiver beside it, in this process
}

// queueNames of a shape; the first is where tasks go by default.
func queueNames(n int) []string {
	names := []string{engine.DefaultQueue}
	for i := 1; i < n; i++ {
		names = append(names, "q"+strconv.Itoa(i))
	}
	return names[:n]
}

// openShape makes an engine of this shape, with so many slots in all.
func (r *run) openShape(ctx context.Context, s shape, concurrency int) (*engine.Engine, error) {
	queues := map[string]int{}
	for _, q := range queueNames(s.queues) {
		queues[q] = max(1, concurrency/s.queues)
	}
	if s.partitions > 1 {
		if err := r.partition(ctx, queueNames(s.queues), s.partitions); err != nil {
			return nil, err
		}
	}
	return r.open(ctx, engine.Options{Queues: queues})
}

// partition registers queues with so many partitions.
func (r *run) partition(ctx context.Context, queues []string, n int) error {
	log, err := streams.New(r.url, streams.Options{Namespace: r.opts.Namespace, Partitions: n})
	if err != nil {
		return err
	}
	for _, q := range queues {
		if _, err := log.Register(ctx, task.Queue(q)); err != nil {
			return errors.Join(err, log.Close())
		}
	}
	return log.Close()
}

// fill enqueues n tasks, spread over the queues.
func fill(ctx context.Context, eng *engine.Engine, n int, queues ...string) error {
	for i, q := range queues {
		part := n*(i+1)/len(queues) - n*i/len(queues)
		if err := enqueue(ctx, eng, part, engine.Queue(q)); err != nil {
			return err
		}
	}
	return nil
}

// enqueue n tasks by calls of many batches, which need not be in memory at once.
func enqueue(ctx context.Context, eng *engine.Engine, n int, opts ...engine.EnqueueOption) error {
	all := payloads(min(n, 100*batch))
	for ; n > 0; n -= len(all) {
		all = all[:min(n, len(all))]
		if _, err := noop.EnqueueMany(ctx, eng, all, opts...); err != nil {
			return err
		}
	}
	return nil
}

// spreadOver makes n calls in all from so many goroutines.
func spreadOver(goroutines, n int, call func() error) error {
	var wg sync.WaitGroup
	errs := make(chan error, goroutines)
	for g := range goroutines {
		wg.Go(func() {
			for range n*(g+1)/goroutines - n*g/goroutines {
				if err := call(); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

// paced calls fn so often a second, n times.
func paced(ctx context.Context, perSecond, n int, fn func() error) error {
	began := time.Now()
	for i := range n {
		if err := until(ctx, began.Add(time.Duration(i)*time.Second/time.Duration(perSecond))); err != nil {
			return err
		}
		if err := fn(); err != nil {
			return err
		}
	}
	return nil
}

// until waits for a moment.
func until(ctx context.Context, t time.Time) error {
	d := time.Until(t)
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func wait(ctx context.Context, d time.Duration) error { return until(ctx, time.Now().Add(d)) }

// runUntil runs the engine until done is closed, and drains.
func runUntil(ctx context.Context, eng *engine.Engine, done <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- eng.Run(ctx) }()
	select {
	case <-done:
		cancel()
		return <-result
	case err := <-result:
		return err
	}
}

// countdown is closed when done was called n times.
type countdown struct {
	mu   sync.Mutex
	left int
	zero chan struct{} // closed by the last done
}

func newCountdown(n int) *countdown { return &countdown{left: n, zero: make(chan struct{})} }

func (c *countdown) done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left == 0 {
		close(c.zero)
	}
}

// together runs all at once, ends the others when one fails, and waits for all.
func together(ctx context.Context, all ...func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, f := range all {
		wg.Go(func() {
			if err := f(ctx); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
