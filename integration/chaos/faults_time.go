package main

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/tidemill/tidemill/integration/history"
)

var timeFaults = []fault{
	{"clock-forward", "the clock of Redis jumps an hour ahead, and back", "57", standalone, "", history.Nothing, true, clock(time.Hour)},
	{"clock-back", "the clock of Redis jumps an hour back, and ahead", "58", standalone, "", history.Nothing, true, clock(-time.Hour)},
	{"clock-step", "the clock of Redis is set back by a second, again and again", "60", standalone, "", history.Nothing, true, clockStep},
}

// setClock notes the jump before it happens.
func (w *world) setClock(d time.Duration) error {
	if err := w.clock.Write(history.Clock{T: history.Now(), OffsetMs: d.Milliseconds()}); err != nil {
		return err
	}
	w.ahead = w.ahead || d > time.Minute
	return w.shim.Set(d)
}

// clock moves Redis's clock by d for a second or two.
func clock(d time.Duration) func(context.Context, *world, *rand.Rand, *history.Fault) error {
	return func(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
		if err := w.setClock(d); err != nil {
			return err
		}
		pause(ctx, time.Second+upTo(r, time.Second))
		now, err := w.rig.Client().Time(ctx).Result()
		if err == nil && time.Until(now).Round(time.Minute) == d {
			f.Observed = 1
		}
		return w.setClock(0)
	}
}

func clockStep(ctx context.Context, w *world, _ *rand.Rand, f *history.Fault) error {
	for range 4 {
		if err := w.setClock(time.Second); err != nil {
			return err
		}
		pause(ctx, 300*time.Millisecond)
		now, err := w.rig.Client().Time(ctx).Result()
		if err == nil && time.Until(now) > 500*time.Millisecond {
			f.Observed++
		}
		if err := w.setClock(0); err != nil {
			return err
		}
		pause(ctx, 300*time.Millisecond)
	}
	return nil
}
