package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tidemill/tidemill/integration/history"
	"github.com/tidemill/tidemill/task"
)

var loadFaults = []fault{
	{"due-at-once", "2,000 tasks fall due in the same moment", "63", anywhere, "", history.Nothing, true, burst(2000, time.Second, "ok:0")},
	{"due-100k", "100,000 tasks fall due in the same moment", "63", single, "", history.Nothing, false, burst(100_000, 15*time.Second, "ok:0")},
	{"dead-100k", "100,000 tasks are buried", "64", single, "", history.Nothing, false, burst(100_000, 0, planBury)},
	{"flood", "the queues are paused for longer than the history is kept", "67", anywhere, "", history.Nothing, true, flood},
}

// burst makes n tasks of a plan, due together after a while.
func burst(n int, in time.Duration, plan string) func(context.Context, *world, *rand.Rand, *history.Fault) error {
	return func(ctx context.Context, w *world, _ *rand.Rand, f *history.Fault) error {
		at := time.Now().Add(in)
		for n := n; n > 0; {
			bs := make([]history.Birth, min(n, 5000))
			for i := range bs {
				w.burst++
				bs[i] = history.Birth{Tag: fmt.Sprintf("burst.%d", w.burst), Queue: w.run.Queues[0], Plan: plan}
				if left := time.Until(at); in > 0 {
					bs[i].InMs = max(1, left.Milliseconds())
				}
			}
			one, cancel := context.WithTimeout(ctx, 30*time.Second)
			got, err := w.client.ask(one, bs)
			cancel()
			f.Observed += int64(len(got))
			n -= len(bs)
			if err != nil && ctx.Err() != nil {
				return err
			}
		}
		w.until(ctx, 2*in, func() bool { return time.Now().After(at) })
		return nil
	}
}

// flood pauses the queues: the backlog grows, and what is trimmed meanwhile must
// not be what nobody was given yet.
func flood(ctx context.Context, w *world, _ *rand.Rand, f *history.Fault) (err error) {
	defer func() {
		for _, q := range w.run.Queues {
			err = errors.Join(err, w.client.eng.Resume(context.WithoutCancel(ctx), task.Queue(q), by))
		}
	}()
	for _, q := range w.run.Queues {
		if err := w.client.eng.Pause(ctx, task.Queue(q), by); err != nil {
			return err
		}
	}
	before := w.backlog(ctx)
	pause(ctx, min(w.opts.retention, retention)+3*time.Second) // not for the hour of a run that keeps all
	if after := w.backlog(ctx); after > before+100 {
		f.Observed, f.Note = 1, fmt.Sprintf("%d tasks ready", after)
	}
	return nil
}

// backlog is how many tasks nobody was given yet.
func (w *world) backlog(ctx context.Context) (n int64) {
	s, err := w.client.eng.Stats(ctx)
	if err != nil {
		return 0
	}
	for _, q := range s.Queues {
		n += q.Ready
	}
	return n
}
