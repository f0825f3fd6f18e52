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

// TestRenewsEveryThird: a slow answer does not move the next renewal.
func TestRenewsEveryThird(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		n := newNode(newFake(t))
		n.interfere(nil, func(_ context.Context, op string) error {
			if op == "renew" {
				time.Sleep(300 * time.Millisecond)
			}
			return nil
		})
		run(t, n, consumergroup.Options{Handle: newRuns().taking(0)})
		time.Sleep(10*time.Second + time.Millisecond)
		at := n.times("renew")
		expectCount(t, "renewals in 10 s", len(at), 10)
		for i, at := range at {
			expectAt(t, "renewal", at, time.Duration(i+1)*lease/3, 0)
		}
	})
}

// TestSelfFence: a node that could not renew for a lease, counted from when the
// last renewal was sent, stops its handlers at that moment, whatever its other
// calls wait for; what they say then is logged by its next incarnation.
func TestSelfFence(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(context.Context, string) error{
		"calls fail": refuse, "calls hang": hangShort, "calls cannot be cancelled": stubborn,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				f, r := newFake(t), newRuns()
				n := newNode(f)
				var fenced atomic.Int32
				id := f.add(1)[0]
				ended := make(chan time.Time, 1)
				run(t, n, consumergroup.Options{
					Handle: r.as(func(ctx context.Context, _ *task.Delivery) task.Kind {
						<-ctx.Done()
						ended <- time.Now()
						return task.OutcomeRetry
					}),
					Observer: consumergroup.Observer{Fenced: func(task.Queue, string, error) { fenced.Add(1) }},
				})
				time.Sleep(lease/3 + 700*time.Millisecond) // renewed once
				n.interfere(fault, nil)
				expectAt(t, "handler cancelled", <-ended, lease/3+lease, 0)
				time.Sleep(time.Minute)
				expectIs(t, "cause", r.cause(id), task.ErrLeaseLost)
				expectCount(t, "told of a lost lease", int(fenced.Load()), 1)

				n.interfere(nil, nil)
				time.Sleep(2 * lease)
				synctest.Wait()
				late := f.outcomes(task.StaleOutcome)
				if len(late) != 1 || late[0].Wanted != task.OutcomeRetry || late[0].Reason != "c1" || late[0].by != "c2" {
					t.Errorf("got late outcomes %+v, want the retry of c1, logged by c2", late)
				}
			})
		})
	}
}

// TestShortCut: an outage of less than a lease is survived under the same name.
func TestShortCut(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		n := newNode(f)
		id := f.add(1)[0]
		run(t, n, consumergroup.Options{Handle: r.taking(20 * time.Second)})
		time.Sleep(lease/3 + 100*time.Millisecond)
		n.interfere(refuse, nil)
		time.Sleep(lease - 200*time.Millisecond)
		n.interfere(nil, nil)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		expectCount(t, "starts", r.times(id), 1)
		expectCount(t, "successes", len(f.outcomes(task.OutcomeSuccess)), 1)
		expectCount(t, "joins", len(n.times("join")), 1)
	})
}

// TestFenced: whichever call learns it, the node drops all and joins anew.
func TestFenced(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"renew", "settle", "charge"} {
		t.Run(by, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				f, r := newFake(t), newRuns()
				n := newNode(f)
				id := f.add(1)[0]
				run(t, n, consumergroup.Options{Handle: func(ctx context.Context, d *task.Delivery) task.Settlement {
					if d.ID == id {
						return r.taking(time.Hour)(ctx, d)
					}
					return r.taking(time.Millisecond)(ctx, d)
				}})
				time.Sleep(100 * time.Millisecond)
				f.fence("c1", "other")
				wait := lease / 3
				switch by {
				case "settle":
					f.add(1)
					wait = 2 * time.Millisecond
				case "charge":
					f.add(1, func(d *task.Delivery) { d.Opts.Crashes = 1 })
					wait = 2 * time.Millisecond
				}
				time.Sleep(wait)
				synctest.Wait()
				expectIs(t, "cause", r.cause(id), task.ErrLeaseLost)
				expectIs(t, "cause", r.cause(id), task.ErrFenced)
				time.Sleep(lease)
				synctest.Wait()
				expectCount(t, "joins", len(n.times("join")), 2)
				var wanted []task.Kind
				for _, late := range f.outcomes(task.StaleOutcome) {
					wanted = append(wanted, late.Wanted)
					if late.by != "c2" || late.Reason != "c1" {
						t.Errorf("late outcome of %s logged by %s", late.Reason, late.by)
					}
				}
				if want := map[string]int{"renew": 1, "settle": 2, "charge": 1}[by]; len(wanted) != want {
					t.Errorf("late outcomes: %v, want %d", wanted, want)
				}
			})
		})
	}
}

// TestLateInFlight: an outcome whose settle was in flight when the lease was lost
// is late like the others, and late ones survive another loss.
func TestLateInFlight(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		n := newNode(f)
		f.add(3)
		run(t, n, consumergroup.Options{Handle: r.taking(lease / 2)})
		time.Sleep(lease / 4)
		n.interfere(stubborn, nil) // settles hang now
		time.Sleep(10 * lease)
		f.fence("c1", "other")
		n.interfere(func(_ context.Context, op string) error {
			if op == "settle" {
				return errDown // c2 cannot log them yet
			}
			return nil
		}, nil)
		time.Sleep(lease)
		f.fence("c2", "other")
		time.Sleep(lease)
		n.interfere(nil, nil)
		time.Sleep(lease)
		synctest.Wait()
		late := f.outcomes(task.StaleOutcome)
		expectCount(t, "late outcomes", len(late), 3)
		for _, o := range late {
			if o.Wanted != task.OutcomeSuccess || o.Reason != "c1" {
				t.Errorf("late outcome %s of %s, want success of c1", o.Wanted, o.Reason)
			}
		}
	})
}

// TestNothingStartsAfterLoss: a batch that arrives as the lease is lost.
func TestNothingStartsAfterLoss(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		n := newNode(f)
		g := run(t, n, consumergroup.Options{Handle: r.taking(time.Second)})
		time.Sleep(lease/3 + time.Millisecond)
		n.interfere(refuse, nil) // the lease ends at 4 s; the fetch below is answered at 5 s
		n.interfere(func(_ context.Context, op string) error {
			if op == "renew" || op == "join" {
				return errDown
			}
			return nil
		}, func(_ context.Context, op string) error {
			if op == "fetch" {
				time.Sleep(lease/3 + lease + time.Second - since(time.Now()))
			}
			return nil
		})
		f.add(5)
		time.Sleep(3 * lease)
		expectCount(t, "starts after the lease was lost", len(r.started()), 0)
		if running, _ := g.Running(); running != 0 {
			t.Errorf("%d are running", running)
		}
	})
}
