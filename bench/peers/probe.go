package main

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// errLacks is the error of a probe of what the peer does not have.
var errLacks = errors.New("it has no such feature")

// figures are what one round measured, by metric.
type figures map[string]float64

func (f figures) String() string {
	var words []string
	for _, m := range slices.Sorted(maps.Keys(f)) {
		words = append(words, m+" "+figure(f[m]))
	}
	return strings.Join(words, ", ")
}

// payload of a task: 100 bytes.
var payload = bytes.Repeat([]byte("x"), 100)

// probe measures a queue of a peer in Go.
func probe(ctx context.Context, w *world, q queue) (figures, error) {
	switch w.scenario.Kind {
	case single:
		return probeSingle(ctx, w, q)
	case bulk:
		return probeBulk(ctx, w, q)
	case drain:
		return probeDrain(ctx, w, q)
	case pickup:
		return probePickup(ctx, w, q)
	case late:
		return probeLate(ctx, w, q)
	case space: // of any peer: see probeSpace
	}
	panic("kind " + string(w.scenario.Kind))
}

func probeSingle(ctx context.Context, w *world, q queue) (figures, error) {
	began := time.Now()
	err := spread(w.scenario.Concurrency, w.tasks, func(int) error { return q.enqueue(ctx, payload) })
	return figures{"rate": rate(w.tasks, began)}, err
}

func probeBulk(ctx context.Context, w *world, q queue) (figures, error) {
	many, ok := q.(bulkQueue)
	if !ok {
		return nil, errLacks
	}
	all := payloads(w.tasks)
	began := time.Now()
	err := many.enqueueMany(ctx, all)
	return figures{"rate": rate(w.tasks, began)}, err
}

// probeDrain is timed from the start of the first handler until every outcome
// is stored: how long a worker takes to come up is another question.
func probeDrain(ctx context.Context, w *world, q queue) (figures, error) {
	if err := fill(ctx, q, w.tasks); err != nil {
		return nil, err
	}
	c := count{want: int64(w.tasks), all: make(chan struct{})}
	wk, err := q.work(ctx, w.scenario.Concurrency, func([]byte) { c.one() })
	if err != nil {
		return nil, err
	}
	select {
	case <-c.all:
		err = wk.settle(ctx)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	f := figures{"rate": rate(w.tasks, time.Unix(0, c.first.Load()))}
	return f, errors.Join(err, wk.stop())
}

// fill makes a backlog, in the fastest way the peer has.
func fill(ctx context.Context, q queue, n int) error {
	if many, ok := q.(bulkQueue); ok {
		return many.enqueueMany(ctx, payloads(n))
	}
	return spread(64, n, func(int) error { return q.enqueue(ctx, payload) })
}

func payloads(n int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = payload
	}
	return all
}

// count tells when all have come, and when the first did.
type count struct {
	want  int64
	n     atomic.Int64
	first atomic.Int64
	all   chan struct{} // closed by the last
}

func (c *count) one() {
	switch c.n.Add(1) {
	case 1:
		c.first.Store(time.Now().UnixNano())
		if c.want == 1 {
			close(c.all)
		}
	case c.want:
		close(c.all)
	}
}

// spread makes n calls from so many goroutines.
func spread(goroutines, n int, call func(i int) error) error {
	var wg sync.WaitGroup
	var next atomic.Int64
	errs := make(chan error, goroutines)
	for range goroutines {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := call(i); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}

// rate is n things a second.
func rate(n int, since time.Time) float64 { return float64(n) / time.Since(since).Seconds() }
