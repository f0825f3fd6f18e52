package consumergroup_test

import (
	"context"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemill/tidemill/consumergroup"
	"github.com/tidemill/tidemill/task"
)

// TestDrain walks through a stop: what has not started goes back at once, what
// runs may end, the rest is cancelled and goes back, what ignores that is left.
func TestDrain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		const drain = 4 * time.Second
		f, r := newFake(t), newRuns()
		n := newNode(f)
		f.give(8, "other", "dead") // taken over at once: 3 start, 5 wait for a slot
		release := make(chan struct{})
		defer close(release)
		order := map[task.ID]int{}
		g := run(t, n, consumergroup.Options{Concurrency: 3, Drain: drain, Handle: r.as(func(ctx context.Context, d *task.Delivery) task.Kind {
			r.mu.Lock()
			n := len(order)
			order[d.ID] = n
			r.mu.Unlock()
			switch n {
			case 0: // ends in time
				time.Sleep(3 * time.Second)
				return task.OutcomeSuccess
			case 1: // stops when told to
				<-ctx.Done()
				return task.OutcomeRetry
			default: // heeds nothing
				<-release
				return task.OutcomeSuccess
			}
		})})
		time.Sleep(2 * time.Second)
		f.add(10) // nothing of this is fetched any more
		stopped := since(time.Now())
		g.stop()
		time.Sleep(time.Millisecond)
		synctest.Wait()
		back := f.outcomes(task.HandedBack)
		expectCount(t, "handed back at once", len(back), 5)
		for _, o := range back {
			if o.Delivery.Opts.Crashes != 1 || o.Delivery.Attempt != 1 {
				t.Errorf("handed back with %d crashes at attempt %d, want 1, 1: its charge is undone", o.Delivery.Opts.Crashes, o.Delivery.Attempt)
			}
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		expectCount(t, "successes", len(f.outcomes(task.OutcomeSuccess)), 1)
		err := <-g.done
		g.done <- nil
		expectIs(t, "run", err, nil)
		expectAt(t, "run returned", time.Now(), stopped+drain+time.Second, 50*time.Millisecond)
		back = f.outcomes(task.HandedBack)
		expectCount(t, "handed back", len(back), 7)
		if len(back) == 7 {
			expectAt(t, "cancelled one", back[5].at, stopped+drain, 10*time.Millisecond)
			expectAt(t, "abandoned one", back[6].at, stopped+drain+time.Second, 10*time.Millisecond)
		}
		r.mu.Lock()
		told := maps.Clone(order)
		r.mu.Unlock()
		for id, n := range told {
			if n == 1 {
				expectIs(t, "cause", r.cause(id), task.ErrDraining)
			}
		}
		expectRunning(t, g, 1, 1)
		expectCount(t, "starts", len(r.started()), 3)
		expectCount(t, "ready for others", len(f.ready), 17)
		if _, ok := f.records["c1"]; ok {
			t.Error("it did not leave")
		}
		renewals := n.times("renew")
		expectAt(t, "last renewal", renewals[len(renewals)-1], stopped+drain, time.Second)
	})
}

// TestDrainIdle is quick.
func TestDrainIdle(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newFake(t)
		g := run(t, newNode(f), consumergroup.Options{Handle: newRuns().taking(0)})
		time.Sleep(10 * lease)
		at := time.Now()
		expectIs(t, "run", g.end(), nil)
		if took := time.Since(at); took > 10*time.Millisecond {
			t.Errorf("an idle group stopped after %v", took)
		}
		expectCount(t, "records", len(f.records), 0)
	})
}

// TestDrainUnseen: deliveries that were on their way when reading stopped.
func TestDrainUnseen(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		n := newNode(f)
		n.interfere(nil, func(ctx context.Context, op string) error {
			if op == "fetch" && f.holds("") > 0 {
				return hang(ctx, op)
			}
			return nil
		})
		g := run(t, n, consumergroup.Options{Handle: r.taking(0)})
		time.Sleep(time.Millisecond)
		f.add(4)
		time.Sleep(time.Millisecond)
		expectIs(t, "run", g.end(), nil)
		expectCount(t, "starts", len(r.started()), 0)
		expectCount(t, "handed back", len(f.outcomes(task.HandedBack)), 4)
		expectCount(t, "records", len(f.records), 0)
	})
}

// TestDrainWithoutRedis ends in bounded time and says that it could not do all.
func TestDrainWithoutRedis(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(context.Context, string) error{"refuses": refuse, "hangs": hangShort, "cannot be cancelled": stubborn} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				f, r := newFake(t), newRuns()
				n := newNode(f)
				f.add(3)
				g := run(t, n, consumergroup.Options{Drain: time.Second, Handle: r.taking(time.Minute)})
				time.Sleep(lease / 4)
				n.interfere(fault, nil)
				at := time.Now()
				err := g.end()
				if took := time.Since(at); took > 12*time.Second {
					t.Errorf("it took %v", took)
				}
				// either the lease ended first: another node will take them over, and nothing is to be said;
				// or the outcomes could not be recorded
				if err != nil && !strings.Contains(err.Error(), "drain q") {
					t.Errorf("run: %v", err)
				}
				expectCount(t, "still held", f.holds("c1"), 3)
			})
		})
	}
}

// TestLeaseLostInDrain: the drain does not outlive the lease.
func TestLeaseLostInDrain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		n := newNode(f)
		id := f.add(1)[0]
		g := run(t, n, consumergroup.Options{Drain: time.Hour, Handle: r.taking(time.Hour)})
		time.Sleep(time.Millisecond)
		g.stop()
		f.fence("c1", "other")
		expectIs(t, "run", <-g.done, nil)
		g.done <- nil
		expectIs(t, "cause", r.cause(id), task.ErrLeaseLost)
		expectRunning(t, g, 0, 0)
		expectAt(t, "run returned", time.Now(), lease/3, 20*time.Millisecond)
	})
}

// TestHandlersOfALostLease are waited for, too: Run returns when none is left.
func TestHandlersOfALostLease(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		n := newNode(f)
		f.add(1)
		g := run(t, n, consumergroup.Options{Handle: r.as(func(ctx context.Context, _ *task.Delivery) task.Kind {
			<-ctx.Done()
			time.Sleep(500 * time.Millisecond) // puts things in order
			return task.OutcomeRetry
		})})
		time.Sleep(time.Millisecond)
		f.fence("c1", "other")
		time.Sleep(lease/3 + 10*time.Millisecond)
		expectIs(t, "run", g.end(), nil)
		expectRunning(t, g, 0, 0)
	})
}
