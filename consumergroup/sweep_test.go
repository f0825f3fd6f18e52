package consumergroup_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemill/tidemill/consumergroup"
	"github.com/tidemill/tidemill/task"
)

// TestSweepAdopts: deliveries whose answer was lost are found by the sweep that
// follows the error, and start once.
func TestSweepAdopts(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		n := newNode(f)
		ids := f.add(20)
		var lost atomic.Int64
		n.interfere(nil, func(_ context.Context, op string) error {
			if op == "fetch" && lost.Add(1) <= 3 {
				return errDown
			}
			return nil
		})
		run(t, n, consumergroup.Options{Concurrency: 8, Handle: r.taking(10 * time.Millisecond)})
		time.Sleep(lease)
		synctest.Wait()
		for _, id := range ids {
			expectCount(t, "starts of a task", r.times(id), 1)
		}
		expectCount(t, "successes", len(f.outcomes(task.OutcomeSuccess)), 20)
		if sweeps := len(n.times("sweep")); sweeps == 0 || sweeps > 4 {
			t.Errorf("%d sweeps after 3 lost answers", sweeps)
		}
	})
}

// TestSweepBesideSettle: Redis lists the pending entries, then a settle returns,
// then the sweep asks what is known. What was settled must not come back.
func TestSweepBesideSettle(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		n := newNode(f)
		n.mid = func() { time.Sleep(500 * time.Millisecond) } // several settles go by
		ids := f.add(5)
		var failed atomic.Bool
		n.interfere(nil, func(_ context.Context, op string) error {
			if op == "fetch" && len(r.started()) == 5 && !failed.Swap(true) {
				return errDown
			}
			return nil
		})
		run(t, n, consumergroup.Options{Handle: r.taking(200 * time.Millisecond)})
		time.Sleep(50 * time.Millisecond)
		f.add(1) // its answer is lost: a sweep is due
		time.Sleep(lease)
		synctest.Wait()
		expectCount(t, "sweeps", len(n.times("sweep")), 1)
		for _, id := range ids {
			expectCount(t, "starts of a task", r.times(id), 1)
		}
		expectCount(t, "starts", len(r.started()), 6)
		expectCount(t, "outcomes", len(f.outcomes(task.Unknown)), 6)
		expectCount(t, "held", f.holds(""), 0)
	})
}

// TestSweepCharges: what was taken over unseen is charged when it is found.
func TestSweepCharges(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		n := newNode(f)
		n.interfere(nil, func(_ context.Context, op string) error {
			if op == "reclaim" {
				n.interfere(nil, nil)
				return errDown
			}
			return nil
		})
		f.give(3, "other", "dead")
		run(t, n, consumergroup.Options{Handle: r.taking(time.Millisecond)})
		time.Sleep(2 * lease)
		synctest.Wait()
		for _, s := range r.started() {
			expectCount(t, "count at the start", s.count, 3)
		}
		expectCount(t, "starts", len(r.started()), 3)
	})
}
