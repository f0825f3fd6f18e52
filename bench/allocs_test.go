package bench

import (
	"context"
	"runtime"
	"testing"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/internal/redistest"
)

// Allocations do not depend on the machine, so tests may assert them, as they may
// not assert times. They fall in big steps, so a bound has room for one more. The counts are of the whole process: no other test runs beside.

// mostOfDrain has more room: batches are smaller on a machine that is busy.
const mostOfDrain = 20

// allocs counts those of work on n tasks, a task.
func allocs(t *testing.T, n int, work func() error) float64 {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := work(); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(n)
}

func TestAllocsOfEnqueue(t *testing.T) {
	eng := openEngine(t, redistest.URL(t))
	if err := fill(t.Context(), eng, 1, engine.DefaultQueue); err != nil { // connects
		t.Fatal(err)
	}
	const n = 2000
	for _, c := range []struct {
		name string
		most float64
		work func() error
	}{
		{"bulk", 3, func() error { return fill(t.Context(), eng, n, engine.DefaultQueue) }},
		{"one by one", 48, func() error {
			return spreadOver(1, n, func() error {
				_, err := noop.Enqueue(t.Context(), eng, payload)
				return err
			})
		}},
	} {
		got := allocs(t, n, c.work)
		t.Logf("%s: %.1f a task", c.name, got)
		if got > c.most {
			t.Errorf("%s: got %.1f allocations a task, want %v at most", c.name, got, c.most)
		}
	}
}

func TestAllocsOfDrain(t *testing.T) {
	url := redistest.URL(t)
	const n = 5000
	for range 2 { // the first fills pools
		eng := openEngine(t, url)
		if err := fill(t.Context(), eng, n, engine.DefaultQueue); err != nil {
			t.Fatal(err)
		}
		left := newCountdown(n)
		eng.HandleRaw(noop.Name(), func(context.Context, *engine.Delivery) error {
			left.done()
			return nil
		})
		got := allocs(t, n, func() error { return runUntil(t.Context(), eng, left.zero) })
		t.Logf("%.1f a task", got)
		if got > mostOfDrain {
			t.Errorf("got %.1f allocations a task, want %v at most", got, mostOfDrain)
		}
	}
}

func openEngine(t *testing.T, url string) *engine.Engine {
	t.Helper()
	eng, err := engine.Open(t.Context(), url, engine.Options{Namespace: redistest.Namespace(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { eng.Close() })
	return eng
}
