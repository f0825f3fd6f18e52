package bench

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidemill/tidemill/engine"
)

// payload of every task: 100 bytes, as they are.
var payload = bytes.Repeat([]byte("x"), 100)

var noop = engine.Define[[]byte]("bench.noop")

func payloads(n int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = payload
	}
	return all
}

func enqueueBulk(ctx context.Context, r *run) (figures, error) {
	eng, err := r.open(ctx, engine.Options{})
	if err != nil {
		return nil, err
	}
	defer eng.Close()
	all := payloads(r.opts.Tasks)
	began := time.Now()
	if _, err := noop.EnqueueMany(ctx, eng, all); err != nil {
		return nil, err
	}
	return figures{"rate": rate(r.opts.Tasks, began)}, nil
}

// enqueueSingly enqueues one task a call, from so many goroutines.
func enqueueSingly(goroutines int) side {
	return func(ctx context.Context, r *run) (figures, error) {
		eng, err := r.open(ctx, engine.Options{})
		if err != nil {
			return nil, err
		}
		defer eng.Close()
		return spread(goroutines, singles(r, goroutines), func() error {
			_, err := noop.Enqueue(ctx, eng, payload)
			return err
		})
	}
}

// singles is how many single calls a round makes.
func singles(r *run, goroutines int) int {
	if goroutines == 1 {
		return r.opts.Tasks / 10
	}
	return r.opts.Tasks
}

// spread makes n calls from so many goroutines.
func spread(goroutines, n int, call func() error) (figures, error) {
	var wg sync.WaitGroup
	errs := make(chan error, goroutines)
	began := time.Now()
	for range goroutines {
		wg.Go(func() {
			for range n / goroutines {
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
		return nil, err
	default:
		return figures{"rate": rate(n/goroutines*goroutines, began)}, nil
	}
}

// drain runs a backlog of no-op tasks.
func drain(concurrency int) side {
	return func(ctx context.Context, r *run) (figures, error) {
		eng, err := r.open(ctx, engine.Options{Queues: map[string]int{engine.DefaultQueue: concurrency}})
		if err != nil {
			return nil, err
		}
		defer eng.Close()
		if _, err := noop.EnqueueMany(ctx, eng, payloads(r.opts.Tasks)); err != nil {
			return nil, err
		}
		var settled atomic.Int64
		all := make(chan struct{})
		eng.HandleRaw(noop.Name(), func(context.Context, *engine.Delivery) error {
			if settled.Add(1) == int64(r.opts.Tasks) {
				close(all)
			}
			return nil
		})
		began := time.Now()
		if err := runUntil(ctx, eng, all); err != nil { // drained: every outcome is recorded
			return nil, err
		}
		return figures{"rate": rate(r.opts.Tasks, began)}, nil
	}
}

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

// bytesReady is what a backlog costs, a task.
func bytesReady(ctx context.Context, r *run) (figures, error) {
	eng, err := r.open(ctx, engine.Options{})
	if err != nil {
		return nil, err
	}
	defer eng.Close()
	return r.memory(ctx, func() error {
		_, err := noop.EnqueueMany(ctx, eng, payloads(r.opts.Tasks))
		return err
	})
}
