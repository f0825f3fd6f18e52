package consumergroup_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemill/tidemill/consumergroup"
	"github.com/tidemill/tidemill/task"
)

// slowly makes calls of one kind take a while.
func slowly(slow string, d time.Duration) func(context.Context, string) error {
	return func(_ context.Context, op string) error {
		if op == slow {
			time.Sleep(d)
		}
		return nil
	}
}

// TestSettleBatches: while a settle is in flight the next gathers; the fake
// checks every call against the bounds.
func TestSettleBatches(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer func(d *task.Delivery) task.Kind
		calls  int // at most
	}{
		"successes": {func(*task.Delivery) task.Kind { return task.OutcomeSuccess }, 2 + 2000/maxSettle + 1},
		"failures":  {func(*task.Delivery) task.Kind { return task.OutcomeRetry }, 2 + 2000/maxVerdicts + 1},
		"mixed": {func(d *task.Delivery) task.Kind {
			if d.ID.LSN()%10 == 0 {
				return task.OutcomeDead
			}
			return task.OutcomeSuccess
		}, 2 + 2000/maxSettle + 2},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				f, r := newFake(t), newRuns()
				n := newNode(f)
				n.interfere(slowly("settle", 100*time.Millisecond), nil)
				f.add(2000)
				run(t, n, consumergroup.Options{Concurrency: 2000, Handle: r.as(func(_ context.Context, d *task.Delivery) task.Kind {
					return tt.answer(d)
				})})
				time.Sleep(20 * lease)
				synctest.Wait()
				expectCount(t, "outcomes", len(f.outcomes(task.Unknown)), 2000)
				if calls := len(n.times("settle")); calls > tt.calls {
					t.Errorf("%d calls, want at most %d", calls, tt.calls)
				}
				expectCount(t, "held", f.holds(""), 0)
			})
		})
	}
}

// TestSecondSettle: many outcomes do not wait for the answer to others; few do, and go
// together. Of 2,000 the first pair of calls takes 129 at least, three take 512 each,
// the fifth all but what is too few for the second of it: 600 ms. One by one it is 900.
func TestSecondSettle(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]struct {
		twice bool
		took  time.Duration // the first call has few
	}{100: {false, 200 * time.Millisecond}, 2000: {true, 600 * time.Millisecond}} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				f := newFake(t)
				node := newNode(f)
				node.interfere(slowly("settle", 100*time.Millisecond), nil)
				f.add(n)
				run(t, node, consumergroup.Options{Concurrency: n, Handle: newRuns().taking(0)})
				time.Sleep(want.took)
				synctest.Wait()
				expectCount(t, "held", f.holds(""), 0)
				if twice := f.twice.Load(); twice != want.twice {
					t.Errorf("two settles in flight: got %t, want %t", twice, want.twice)
				}
			})
		})
	}
}

// TestLoneOutcome goes at once: nothing lingers to make a batch.
func TestLoneOutcome(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newFake(t)
		n := newNode(f)
		run(t, n, consumergroup.Options{Handle: newRuns().taking(0)})
		time.Sleep(time.Second)
		f.add(1)
		synctest.Wait()
		at := n.times("settle")
		expectCount(t, "settles", len(at), 1)
		expectAt(t, "settle", at[0], time.Second, 0)
	})
}

// TestTokens: what another server life delivered is settled by itself.
func TestTokens(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		n := newNode(f)
		n.interfere(slowly("settle", 100*time.Millisecond), nil)
		run(t, n, consumergroup.Options{Concurrency: 1000, Handle: r.taking(time.Second)})
		for i := range 6 {
			f.set(func() { f.token = []string{"t1", "t2"}[i%2] })
			f.add(50)
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(lease)
		synctest.Wait()
		expectCount(t, "successes", len(f.outcomes(task.OutcomeSuccess)), 300)
	})
}

// TestSettleAgain: after an error the same outcomes are told again, until there
// is an answer; the observer hears of each once.
func TestSettleAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		n := newNode(f)
		n.interfere(nil, func(_ context.Context, op string) error {
			if op == "settle" && since(time.Now()) < time.Second {
				return errDown // it was recorded, but who knows
			}
			return nil
		})
		f.add(10)
		var told, failed atomic.Int64
		run(t, n, consumergroup.Options{Handle: r.taking(0), Observer: consumergroup.Observer{
			Settled: func(*task.Settlement, task.Answer) { told.Add(1) },
			Failed:  func(string, task.Queue, error) { failed.Add(1) },
		}})
		time.Sleep(lease)
		synctest.Wait()
		expectCount(t, "told", int(told.Load()), 10)
		expectCount(t, "recorded", len(f.outcomes(task.OutcomeSuccess)), 10)
		if n := failed.Load(); n == 0 || n > 12 {
			t.Errorf("told of %d failures in a second", n)
		}
	})
}
