package consumergroup_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemill/tidemill/consumergroup"
	"github.com/tidemill/tidemill/task"
)

func (f *fake) mark(ids ...task.ID) {
	f.set(func() {
		for _, id := range ids {
			f.marks[id] = true
		}
	})
}

func TestCancelledNeverStart(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		ids := f.add(300)
		f.mark(ids[:100]...)
		run(t, newNode(f), consumergroup.Options{Handle: r.taking(time.Millisecond)})
		time.Sleep(lease)
		synctest.Wait()
		expectCount(t, "starts", len(r.started()), 200)
		for _, id := range ids[:100] {
			expectCount(t, "starts of a cancelled task", r.times(id), 0)
		}
		expectCount(t, "cancelled", len(f.outcomes(task.OutcomeCancel)), 100)
		expectCount(t, "successes", len(f.outcomes(task.OutcomeSuccess)), 200)
	})
}

// TestNoAnswerNoStart: whether a task is cancelled cannot be told, so it does not
// start here. It is handed back, and tried again at a bearable rate.
func TestNoAnswerNoStart(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		n := newNode(f)
		n.interfere(func(_ context.Context, op string) error {
			if op == "renew" {
				return errDown
			}
			return nil
		}, nil)
		ids := f.add(3)
		f.mark(ids[0], task.NewID(0, 1, task.Position{Ms: 1, LSN: 99})) // the other is on another node
		run(t, n, consumergroup.Options{Handle: r.taking(time.Millisecond)})
		time.Sleep(lease / 2)
		synctest.Wait()
		expectCount(t, "starts", len(r.started()), 0)
		if back := len(f.outcomes(task.HandedBack)); back < 2 || back > 40 {
			t.Errorf("%d hand-backs of 2 tasks in %v", back, lease/2)
		}
		expectCount(t, "cancelled by the hand-back", len(f.outcomes(task.OutcomeCancel)), 1)
		n.interfere(nil, nil)
		time.Sleep(lease)
		synctest.Wait()
		expectCount(t, "cancelled", len(f.outcomes(task.OutcomeCancel)), 1)
		expectCount(t, "successes", len(f.outcomes(task.OutcomeSuccess)), 2)
	})
}

// TestCancelRunning: within a third of the lease its context ends with a cause.
// A failure that follows is the cancel; a success is a success.
func TestCancelRunning(t *testing.T) {
	t.Parallel()
	for answer, want := range map[task.Kind]task.Kind{
		task.OutcomeRetry:   task.OutcomeCancel,
		task.OutcomeSnooze:  task.OutcomeCancel,
		task.OutcomeSuccess: task.OutcomeSuccess,
		task.OutcomeDead:    task.OutcomeDead, // buried by the handler
	} {
		t.Run(answer.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				f, r := newFake(t), newRuns()
				ids := f.add(2)
				at := make(chan time.Time, 1)
				run(t, newNode(f), consumergroup.Options{Handle: r.as(func(ctx context.Context, d *task.Delivery) task.Kind {
					if d.ID == ids[1] {
						time.Sleep(5 * lease) // nobody cancels this one
						return task.OutcomeSuccess
					}
					<-ctx.Done()
					at <- time.Now()
					return answer
				})})
				time.Sleep(lease / 2)
				f.mark(ids[0])
				time.Sleep(lease / 3)
				synctest.Wait()
				expectIs(t, "cause", r.cause(ids[0]), task.ErrCancelled)
				expectAt(t, "cancelled", <-at, lease/2, lease/3)
				expectCount(t, want.String(), len(f.outcomes(want)), 1)
				time.Sleep(5 * lease)
				if err := r.cause(ids[1]); err != nil {
					t.Errorf("the neighbour was stopped: %v", err)
				}
			})
		})
	}
}

// TestCancelQueued: taken over, waiting for a slot, cancelled: it never starts.
func TestCancelQueued(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		ids := f.give(10, "other", "dead")
		run(t, newNode(f), consumergroup.Options{Concurrency: 1, Handle: r.taking(2 * lease)})
		time.Sleep(lease / 2)
		synctest.Wait()
		running := r.started()[0].id
		for _, id := range ids {
			if id != running {
				f.mark(id)
			}
		}
		time.Sleep(20 * lease)
		synctest.Wait()
		expectCount(t, "starts", len(r.started()), 1)
		expectCount(t, "cancelled", len(f.outcomes(task.OutcomeCancel)), 9)
	})
}

// TestPaused: what is read is handed back and nothing more is read, until the
// queue is resumed. What runs goes on.
func TestPaused(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		n := newNode(f)
		long := f.add(1)[0]
		run(t, n, consumergroup.Options{Handle: func(ctx context.Context, d *task.Delivery) task.Settlement {
			if d.ID == long {
				return r.taking(5*lease)(ctx, d)
			}
			return r.taking(time.Millisecond)(ctx, d)
		}})
		time.Sleep(time.Second)
		f.set(func() { f.paused = true })
		f.add(10)
		time.Sleep(4 * lease)
		synctest.Wait()
		expectCount(t, "starts", len(r.started()), 1)
		if fetches := len(n.times("fetch")); fetches > 10 {
			t.Errorf("%d fetches of a paused queue", fetches)
		}
		if back := len(f.outcomes(task.HandedBack)); back > 10 {
			t.Errorf("%d hand-backs of 10 tasks", back)
		}
		time.Sleep(3 * lease)
		if err := r.cause(long); err != nil {
			t.Errorf("what ran was stopped: %v", err)
		}
		f.set(func() { f.paused = false })
		time.Sleep(lease)
		synctest.Wait()
		expectCount(t, "successes", len(f.outcomes(task.OutcomeSuccess)), 11)
	})
}

// TestPausedTakesNothingOver: what a dead node held does not start either.
func TestPausedTakesNothingOver(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		f.paused = true
		f.give(5, "other", "7")
		run(t, newNode(f), consumergroup.Options{Handle: r.taking(time.Millisecond)})
		time.Sleep(3 * lease)
		synctest.Wait()
		expectCount(t, "starts", len(r.started()), 0)
		for _, o := range f.outcomes(task.HandedBack) {
			if got := o.Delivery.Opts.Crashes; got != 1 {
				t.Errorf("handed back with %d crashes, want the one that happened", got)
			}
		}
		f.set(func() { f.paused = false })
		time.Sleep(lease)
		synctest.Wait()
		expectCount(t, "successes", len(f.outcomes(task.OutcomeSuccess)), 5)
	})
}

// TestTimeout: the context ends with a cause; a handler that does not heed it
// keeps its slot, but its attempt is over a second later.
func TestTimeout(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		ids := f.add(2)
		release := make(chan struct{})
		stuck := make(chan task.ID, 2)
		g := run(t, newNode(f), consumergroup.Options{
			Concurrency: 2,
			Handle: r.as(func(ctx context.Context, d *task.Delivery) task.Kind {
				if d.ID == ids[0] {
					<-ctx.Done()
					return task.OutcomeRetry
				}
				<-release
				return task.OutcomeSuccess
			}),
			Timeout: func(*task.Delivery) time.Duration { return 2 * time.Second },
			Expired: func(d *task.Delivery) task.Settlement {
				return task.Settlement{Kind: task.OutcomeRetry, Error: "expired"}
			},
			Observer: consumergroup.Observer{Stuck: func(d *task.Delivery) { stuck <- d.ID }},
		})
		time.Sleep(2*time.Second + 10*time.Millisecond)
		synctest.Wait()
		expectIs(t, "cause", r.cause(ids[0]), task.ErrTimeout)
		expectCount(t, "retries", len(f.outcomes(task.OutcomeRetry)), 1)
		time.Sleep(time.Second)
		synctest.Wait()
		retries := f.outcomes(task.OutcomeRetry)
		if len(retries) != 2 || retries[1].Error != "expired" || retries[1].Ran != 3*time.Second {
			t.Errorf("retries: %+v", retries)
		}
		if n, id := len(stuck), <-stuck; n != 1 || id != ids[1] {
			t.Errorf("told of %d stuck handlers, the first is %d", n, id.LSN())
		}
		expectRunning(t, g, 1, 1)
		f.add(2)
		time.Sleep(time.Second)
		expectRunning(t, g, 2, 1) // the other slot works on
		close(release)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		expectRunning(t, g, 0, 0)
		if n := len(f.outcomes(task.OutcomeSuccess)); n == 0 || errors.Is(r.cause(ids[1]), task.ErrLeaseLost) {
			t.Errorf("%d successes", n)
		}
		for _, o := range f.outcomes(task.OutcomeSuccess) {
			if o.Delivery.ID == ids[1] {
				t.Error("the late return was recorded")
			}
		}
	})
}

func expectRunning(t *testing.T, g *group, running, stuck int) {
	t.Helper()
	if r, s := g.Running(); r != running || s != stuck {
		t.Errorf("got %d running, %d stuck, want %d and %d", r, s, running, stuck)
	}
}
