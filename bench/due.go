package bench

import (
	"context"
	"errors"
	"time"

	"github.com/tidemill/tidemill/engine"
)

// lateRate is how many a second fall due in the scenarios of lateness.
const lateRate = 200

// lateness is the time from the due moment to the start of the handler; the
// enqueue call counts, too. Other tasks, a share, wait for tomorrow meanwhile.
func lateness(waiting float64) side {
	return func(ctx context.Context, r *run) (figures, error) {
		if waiting > 0 {
			if err := r.delayed(ctx, r.share(waiting)); err != nil {
				return nil, err
			}
		}
		n, delay := r.share(2), r.lasting(time.Second, 100*time.Millisecond)
		late := func(b []byte) time.Duration { return age(b) - delay }
		return r.watch(ctx, n, late, func(ctx context.Context, eng *engine.Engine) error {
			return paced(ctx, lateRate, n, func() error {
				_, err := noop.Enqueue(ctx, eng, stamp(), engine.In(delay))
				return err
			})
		})
	}
}

// delayed enqueues n tasks for tomorrow.
func (r *run) delayed(ctx context.Context, n int) error {
	eng, err := r.open(ctx, noOptions)
	if err != nil {
		return err
	}
	return errors.Join(enqueue(ctx, eng, n, engine.In(24*time.Hour)), eng.Close())
}

// errTooSlow: the tasks fell due before all of them were in.
var errTooSlow = errors.New("the tasks fell due while they were enqueued")

// atOnce measures what happens when n tasks fall due in one moment.
type atOnce func(ctx context.Context, r *run, eng *engine.Engine, n int, due time.Time) (figures, error)

// burst lets as many tasks as a round has fall due in one moment. Quick runs take
// as many as others. A slow machine gets more time to enqueue them.
func burst(measure atOnce) side {
	return func(ctx context.Context, r *run) (figures, error) {
		n := r.opts.Tasks
		if r.opts.Quick {
			n *= 5
		}
		lead := 300*time.Millisecond + time.Duration(n)*25*time.Microsecond
		for range 4 {
			got, err := r.dueIn(ctx, n, lead, measure)
			if !errors.Is(err, errTooSlow) {
				return got, err
			}
			if err := r.server.remove(ctx, r.opts.Namespace); err != nil {
				return nil, err
			}
			lead *= 2
		}
		return nil, errTooSlow
	}
}

func (r *run) dueIn(ctx context.Context, n int, lead time.Duration, measure atOnce) (figures, error) {
	eng, err := r.openShape(ctx, shape{queues: 1}, 64)
	if err != nil {
		return nil, err
	}
	defer eng.Close()
	ahead, err := r.ahead(ctx)
	if err != nil {
		return nil, err
	}
	due := time.Now().Add(lead).Round(time.Millisecond) // entries have no finer time
	if err := enqueue(ctx, eng, n, engine.At(due.Add(ahead))); err != nil {
		return nil, err
	}
	if time.Until(due) < 20*time.Millisecond {
		return nil, errTooSlow
	}
	return measure(ctx, r, eng, n, due)
}

// dueAtOnce is how late tasks start, and how many a second are done with: from the
// moment they fall due until every outcome is recorded.
func dueAtOnce(ctx context.Context, _ *run, eng *engine.Engine, n int, due time.Time) (figures, error) {
	l := newLags(n)
	eng.HandleRaw(noop.Name(), func(context.Context, *engine.Delivery) error {
		l.add(time.Since(due))
		return nil
	})
	if err := runUntil(ctx, eng, l.zero); err != nil {
		return nil, err
	}
	got := l.figures()
	got["rate"] = float64(n) / time.Since(due).Seconds()
	return got, nil
}

// releaseAtOnce is how many a second become deliverable while nobody takes them,
// and how long an enqueue takes meanwhile, at 500 a second.
func releaseAtOnce(ctx context.Context, r *run, _ *engine.Engine, n int, due time.Time) (figures, error) {
	left := make(chan int, n) // never full
	eng, err := r.open(ctx, engine.Options{Queues: map[string]int{engine.DefaultQueue: 1}, Observer: engine.Observer{
		Released: func(_ string, k int) { left <- k },
	}})
	if err != nil {
		return nil, err
	}
	defer eng.Close()
	by := engine.By{Actor: "bench", Reason: "only releases are measured"}
	if err := eng.Pause(ctx, engine.DefaultQueue, by); err != nil {
		return nil, err
	}
	eng.HandleRaw(noop.Name(), func(context.Context, *engine.Delivery) error { return nil })
	var took []time.Duration
	var last time.Time
	released := make(chan struct{})
	err = together(ctx, func(ctx context.Context) error {
		return runUntil(ctx, eng, released)
	}, func(ctx context.Context) error {
		defer close(released)
		for got := 0; got < n; {
			select {
			case k := <-left:
				got, last = got+k, time.Now()
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	}, func(ctx context.Context) error {
		if err := until(ctx, due); err != nil {
			return err
		}
		return untilClosed(released, func() error {
			began := time.Now()
			_, err := noop.Enqueue(ctx, eng, payload)
			took = append(took, time.Since(began))
			return errors.Join(err, wait(ctx, 2*time.Millisecond))
		})
	})
	if err != nil {
		return nil, err
	}
	got := figures{"rate": float64(n) / last.Sub(due).Seconds()}
	for name, v := range percentiles(took) {
		got["enqueue "+name] = v
	}
	return got, nil
}

// untilClosed calls fn again and again until done is closed.
func untilClosed(done <-chan struct{}, fn func() error) error {
	for {
		select {
		case <-done:
			return nil
		default:
			if err := fn(); err != nil {
				return err
			}
		}
	}
}

// ahead is how far the clock of Redis is before ours, by the quickest of a few
// answers. It is rounded up: a task that is due later than we think seems late.
func (r *run) ahead(ctx context.Context) (time.Duration, error) {
	best, ahead := time.Hour, time.Duration(0)
	for range 5 {
		asked := time.Now()
		theirs, err := r.db.Time(ctx).Result()
		if err != nil {
			return 0, err
		}
		if took := time.Since(asked); took < best {
			best, ahead = took, theirs.Sub(asked.Add(took/2))
		}
	}
	if ahead.Abs() < time.Millisecond {
		return 0, nil // one machine, one clock
	}
	return ahead.Truncate(time.Millisecond) + time.Millisecond, nil
}
