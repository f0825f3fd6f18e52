package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
)

// senders keep the pace when a call takes longer than the gap between two.
const senders = 8

// epoch is where the stamps of this process begin, on its monotonic clock.
var epoch = time.Now()

// stamp is a payload of 100 bytes that begins with a moment; age is how long
// ago that was, negative if it is yet to come.
func stamp(at time.Time) []byte { return fmt.Appendf(nil, "%-100d", at.Sub(epoch)) }

func age(payload []byte) time.Duration {
	digits := payload[:slices.Index(payload, ' ')]
	ns, _ := strconv.ParseInt(string(digits), 10, 64) // we wrote it
	return time.Since(epoch) - time.Duration(ns)
}

// times collects ages from several goroutines and says when it has all.
type times struct {
	want int
	all  chan struct{} // closed by the last add

	mu  sync.Mutex
	got []time.Duration
}

func (t *times) add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.got = append(t.got, d); len(t.got) == t.want {
		close(t.all)
	}
}

func (t *times) figures() figures {
	t.mu.Lock()
	defer t.mu.Unlock()
	return figures{"p50": percentile(t.got, 0.50), "p99": percentile(t.got, 0.99)}
}

// percentile of times, in ms.
func percentile(d []time.Duration, p float64) float64 {
	slices.Sort(d)
	return float64(d[min(len(d)-1, int(float64(len(d))*p))].Microseconds()) / 1000
}

func probePickup(ctx context.Context, w *world, q queue) (figures, error) {
	return watch(ctx, w, q, func() error {
		began := time.Now()
		return spread(senders, w.tasks, func(i int) error {
			due := began.Add(time.Duration(i) * time.Second / time.Duration(w.scenario.Rate))
			if err := sleepUntil(ctx, due); err != nil {
				return err
			}
			return q.enqueue(ctx, stamp(time.Now()))
		})
	})
}

// lead is how long before the first delayed task is due all are enqueued.
const lead = 2 * time.Second

func probeLate(ctx context.Context, w *world, q queue) (figures, error) {
	delayed, ok := q.(delayQueue)
	if !ok {
		return nil, errLacks
	}
	return watch(ctx, w, q, func() error {
		first := time.Now().Add(lead)
		return spread(senders, w.tasks, func(i int) error {
			due := first.Add(w.size.Over * time.Duration(i) / time.Duration(w.tasks))
			return delayed.enqueueAt(ctx, stamp(due), due)
		})
	})
}

// watch has handlers measure the age of payloads while load enqueues them. One
// task goes ahead and is not counted: it finds the worker up.
func watch(ctx context.Context, w *world, q queue, load func() error) (f figures, err error) {
	up := make(chan struct{})
	var first sync.Once
	t := times{want: w.tasks, all: make(chan struct{})}
	wk, err := q.work(ctx, w.scenario.Concurrency, func(b []byte) {
		a, warm := age(b), false
		first.Do(func() { close(up); warm = true })
		if !warm {
			t.add(a)
		}
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, wk.stop()) }()
	if err := q.enqueue(ctx, stamp(time.Now())); err != nil {
		return nil, err
	}
	for _, step := range []struct {
		load func() error
		done <-chan struct{}
	}{{func() error { return nil }, up}, {load, t.all}} {
		if err := step.load(); err != nil {
			return nil, err
		}
		select {
		case <-step.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return t.figures(), wk.settle(ctx)
}

func sleepUntil(ctx context.Context, due time.Time) error {
	d := time.Until(due)
	if d <= 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
