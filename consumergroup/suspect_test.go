package consumergroup_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemill/tidemill/consumergroup"
	"github.com/tidemill/tidemill/task"
)

// crashed makes a task that was started n times without an outcome.
func crashed(n int) func(*task.Delivery) { return func(d *task.Delivery) { d.Opts.Crashes = n } }

func TestSuspectsOneByOne(t *testing.T) {
	t.Parallel()
	for takes, apart := range map[time.Duration]time.Duration{
		100 * time.Millisecond: 100 * time.Millisecond, // the next when the last has ended
		time.Hour:              time.Second,            // or survived a second
	} {
		t.Run(takes.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				f, r := newFake(t), newRuns()
				n := newNode(f)
				f.add(5, crashed(2))
				run(t, n, consumergroup.Options{Handle: r.taking(takes)})
				time.Sleep(10 * time.Second)
				synctest.Wait()
				starts := r.started()
				expectCount(t, "starts", len(starts), 5)
				charges := n.times("charge")
				expectCount(t, "charges", len(charges), 5)
				for i, s := range starts {
					expectAt(t, "start", s.at, time.Duration(i)*apart, 0)
					if charges[i].After(s.at) || s.count != 2 {
						t.Errorf("started with count %d at %v, charged at %v", s.count, s.at, charges[i])
					}
				}
			})
		})
	}
}

// TestSuspectsOfANode: one at a time on the whole node, its queues together;
// what is no suspect does not wait for them.
func TestSuspectsOfANode(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		a, b, r := newFake(t), newFake(t), newRuns()
		gate := consumergroup.NewGate()
		a.add(3, crashed(2))
		b.add(3, crashed(2))
		healthy := b.add(10)
		for _, f := range []*fake{a, b} {
			run(t, newNode(f), consumergroup.Options{Handle: r.as(func(context.Context, *task.Delivery) task.Kind {
				time.Sleep(500 * time.Millisecond)
				return task.OutcomeSuccess
			}), Suspects: gate})
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		at := map[time.Duration]int{}
		for _, s := range r.started() {
			at[since(s.at)]++
		}
		// the ten and the first suspect begin at once, five more follow each other
		if at[0] != len(healthy)+1 || len(at) != 6 {
			t.Errorf("starts by time: %v", at)
		}
	})
}

// TestSuspectThatNeverStarts: it was cancelled while it waited for a slot; the
// others must not wait for it for ever.
func TestSuspectThatNeverStarts(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		n := newNode(f)
		long := f.add(1)[0]
		run(t, n, consumergroup.Options{Concurrency: 1, Handle: func(ctx context.Context, d *task.Delivery) task.Settlement {
			if d.ID == long {
				return r.taking(10*lease)(ctx, d)
			}
			return r.taking(time.Millisecond)(ctx, d)
		}})
		time.Sleep(time.Millisecond)
		ids := f.give(2, "other", "dead", crashed(1))
		time.Sleep(2 * lease)
		first := ids[0]
		f.set(func() { f.marks[first] = true })
		time.Sleep(20 * lease)
		synctest.Wait()
		expectCount(t, "starts of the cancelled one", r.times(first), 0)
		expectCount(t, "starts of the other", r.times(ids[1]), 1)
		expectCount(t, "cancelled", len(f.outcomes(task.OutcomeCancel)), 1)
	})
}

// TestPoison: one task among 200 kills every node that runs it. Three nodes die
// of it, and it alone is buried; the rest was merely held.
func TestPoison(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		f.add(100)
		poison := f.add(1)[0]
		f.add(100)
		var died atomic.Int64
		for i := range 5 { // one node after the other; the fourth lives
			n := newNode(f)
			run(t, n, consumergroup.Options{Concurrency: 300, Handle: r.as(func(ctx context.Context, d *task.Delivery) task.Kind {
				switch {
				case d.ID == poison:
					died.Add(1)
					n.cut() // what it does from here on reaches nobody
					<-ctx.Done()
					return task.OutcomeRetry
				case i < 2:
					<-ctx.Done() // held when the node dies
					return task.OutcomeRetry
				}
				time.Sleep(time.Millisecond)
				return task.OutcomeSuccess
			})})
			time.Sleep(5 * lease)
			synctest.Wait()
		}
		expectCount(t, "nodes that died", int(died.Load()), 3)
		expectCount(t, "successes", len(f.outcomes(task.OutcomeSuccess)), 200)
		buried := f.outcomes(task.OutcomeDead)
		if len(buried) != 1 || buried[0].Delivery.ID != poison || buried[0].Reason != "crash_loop" {
			t.Errorf("buried: %+v, want the poison alone, as crash_loop", buried)
		}
		expectCount(t, "still held", f.holds(""), 0)
	})
}

// TestCrashLoop: at the fourth try it is buried without a start.
func TestCrashLoop(t *testing.T) {
	t.Parallel()
	for crashes, buried := range map[int]bool{0: false, 1: false, 2: false, 3: true, 4: true} {
		t.Run(fmt.Sprint(crashes), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				f, r := newFake(t), newRuns()
				f.add(1, crashed(crashes))
				run(t, newNode(f), consumergroup.Options{Handle: r.taking(time.Millisecond)})
				time.Sleep(lease)
				synctest.Wait()
				dead := f.outcomes(task.OutcomeDead)
				if (len(dead) == 1) != buried || (len(r.started()) == 0) != buried {
					t.Errorf("got %d dead, %d starts, want buried: %v", len(dead), len(r.started()), buried)
				}
				for _, o := range dead {
					if o.Reason != "crash_loop" || o.Error == "" {
						t.Errorf("reason %q, error %q", o.Reason, o.Error)
					}
				}
			})
		})
	}
}

// TestSuspectsPaused: those that have not had their turn go back when the queue is
// paused, and start when it is resumed.
func TestSuspectsPaused(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		f.add(3, crashed(2))
		run(t, newNode(f), consumergroup.Options{Handle: r.taking(500 * time.Millisecond)})
		time.Sleep(100 * time.Millisecond)
		f.set(func() { f.paused = true })
		time.Sleep(5 * time.Second)
		synctest.Wait()
		expectCount(t, "starts while paused", len(r.started()), 1)
		if n := len(f.outcomes(task.HandedBack)); n < 2 {
			t.Errorf("%d were handed back, want both that had not started", n)
		}
		f.set(func() { f.paused = false })
		time.Sleep(10 * time.Second)
		synctest.Wait()
		expectCount(t, "starts", len(r.started()), 3)
	})
}
