package cli

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tidemill/tidemill/engine"
)

// work of the demo: how long a task takes and how often it fails.
type demoWork struct {
	Millis   int `json:"ms"`
	Failures int `json:"failures"` // attempts that fail before one succeeds
}

// demoType fails as often as its payload says; its retries are used up by some.
var demoType = engine.Define[demoWork]("demo.work", engine.Retry(3), engine.Backoff(100*time.Millisecond, 400*time.Millisecond))

// demoKinds are the kinds of tasks, in parts of a hundred.
var demoKinds = []struct {
	share, failures int
	delayed         bool
}{
	{share: 70},
	{share: 15, delayed: true},
	{share: 12, failures: 2},
	{share: 3, failures: 100},
}

// enqueueDemo enqueues all tasks, kind by kind.
func enqueueDemo(ctx context.Context, to engine.Producer, tasks int) error {
	random := rand.New(rand.NewPCG(1, 2))
	left := tasks
	for i, k := range demoKinds {
		n := tasks * k.share / 100
		if i == len(demoKinds)-1 {
			n = left
		}
		left -= n
		// delayed tasks fall due in ten waves
		waves := 1
		if k.delayed {
			waves = 10
		}
		for w := range waves {
			batch := make([]demoWork, n*(w+1)/waves-n*w/waves)
			for j := range batch {
				batch[j] = demoWork{Millis: 5 + random.IntN(30), Failures: k.failures}
			}
			var opts []engine.EnqueueOption
			if k.delayed {
				opts = append(opts, engine.In(time.Second+time.Duration(w)*300*time.Millisecond))
			}
			if _, err := demoType.EnqueueMany(ctx, to, batch, opts...); err != nil {
				return err
			}
		}
	}
	return nil
}

// handleDemo is what a worker does with a task.
func handleDemo(ctx context.Context, w demoWork) error {
	t := time.NewTimer(time.Duration(w.Millis) * time.Millisecond)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
	}
	d, ok := engine.Current(ctx)
	if !ok {
		return errors.New("no delivery in the context")
	}
	if d.Attempt <= w.Failures {
		return fmt.Errorf("attempt %d fails, as the demo wants", d.Attempt)
	}
	return nil
}

// demoOptions are those of a worker.
func demoOptions(namespace string) engine.Options {
	return engine.Options{Namespace: namespace, Queues: map[string]int{engine.DefaultQueue: 64}, Lease: demoLease, Drain: demoLease}
}
