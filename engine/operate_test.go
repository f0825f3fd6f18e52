package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

// short is a lease that makes cancels of what runs arrive within a fifth of a second.
const short = 600 * time.Millisecond

// TestCancelWaitingOrReady ends a task that nobody runs at once.
func TestCancelWaitingOrReady(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		typ := engine.Define[int]("t")
		ready, waiting := enqueue(t, w.eng, typ, 1), enqueue(t, w.eng, typ, 1, engine.In(time.Hour))
		after := enqueue(t, w.eng, typ, 1)
		for _, id := range []engine.ID{ready, waiting} {
			for _, again := range []string{"first", "again"} {
				got, err := w.eng.Cancel(ctx, id, byTest)
				if err != nil {
					t.Fatal(err)
				}
				expect(t, again, got, engine.CancelDone)
			}
			expect(t, "state", w.state(id).State, task.Cancelled)
		}
		if diff := cmp.Diff([]string{"scheduled", "cancelled"}, w.history(waiting)); diff != "" {
			t.Errorf("history (-want +got):\n%s", diff)
		}
		eng := w.open(engine.Options{})
		ran := make(chan engine.ID, 3)
		engine.Handle(eng, typ, func(ctx context.Context, _ int) error {
			d, _ := engine.Current(ctx)
			ran <- d.ID
			return nil
		})
		w.run(eng)
		w.wait(after)
		expect(t, "runs", len(ran), 1)
		expect(t, "the one that ran", <-ran, after)
	})
}

// TestCancelRunning: within a third of the lease its context ends, with a cause.
// It is cancelled whatever its retries, unless it succeeds nevertheless.
func TestCancelRunning(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		eng := w.open(engine.Options{Lease: short})
		typ := engine.Define[string]("t", engine.Retry(0)) // a failure would be its death
		started, causes := make(chan bool, 4), make(chan error, 4)
		engine.Handle(eng, typ, func(ctx context.Context, answer string) error {
			started <- true
			<-ctx.Done()
			causes <- context.Cause(ctx)
			switch answer {
			case "success":
				return nil
			case "snooze":
				return engine.Snooze(time.Hour)
			}
			return ctx.Err()
		})
		w.run(eng)
		for answer, want := range map[string]task.State{"error": task.Cancelled, "snooze": task.Cancelled, "success": task.Succeeded} {
			id := enqueue(t, eng, typ, answer)
			<-started
			asked := time.Now()
			got, err := eng.Cancel(t.Context(), id, byTest)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, "answer", got, engine.CancelRequested)
			expectIs(t, "cause", <-causes, engine.ErrCancelled)
			if took := time.Since(asked); took > short/3+time.Second {
				t.Errorf("cancelled after %v", took)
			}
			expect(t, answer, w.wait(id).State, want)
			got, err = eng.Cancel(t.Context(), id, byTest)
			if want == task.Succeeded && got != engine.CancelFinished || err != nil {
				t.Errorf("cancel of what has ended: %v, %v", got, err)
			}
		}
	})
}

// TestRequeue: another life with all retries; attempts go on counting.
func TestRequeue(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		eng := w.open(engine.Options{})
		typ := engine.Define[int]("t", engine.Retry(1), quickly)
		attempts := make(chan int, 10)
		engine.Handle(eng, typ, func(ctx context.Context, _ int) error {
			d, _ := engine.Current(ctx)
			attempts <- d.Attempt
			if d.Attempt < 4 {
				return errBoom
			}
			return nil
		})
		w.run(eng)
		id := enqueue(t, eng, typ, 1)
		expect(t, "first life", w.wait(id).State, task.Dead)
		for range 2 { // the second changes nothing
			err := eng.Requeue(t.Context(), id, byTest)
			if err != nil && !errors.Is(err, engine.ErrNotDead) {
				t.Fatal(err)
			}
		}
		st := w.wait(id)
		expect(t, "second life", st.State, task.Succeeded)
		for want := 1; want <= 4; want++ {
			expect(t, "attempt", <-attempts, want)
		}
		expect(t, "more attempts", len(attempts), 0)
		for range w.eng.Dead(t.Context(), engine.Filter{}) {
			t.Error("something is still dead")
		}
		expectIs(t, "requeue of the living", eng.Requeue(t.Context(), id, byTest), engine.ErrNotDead)
	})
}

// TestPurge removes the dead, and only them.
func TestPurge(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		eng := w.open(engine.Options{})
		typ := engine.Define[bool]("t", engine.Retry(0))
		engine.Handle(eng, typ, func(_ context.Context, fail bool) error {
			if fail {
				return errBoom
			}
			return nil
		})
		w.run(eng)
		dead, fine := enqueue(t, eng, typ, true), enqueue(t, eng, typ, false)
		w.wait(dead)
		w.wait(fine)
		n, err := eng.Purge(t.Context(), []engine.ID{dead, fine}, byTest)
		if n != 1 || err != nil {
			t.Errorf("purged %d, %v, want 1", n, err)
		}
		expect(t, "state", w.state(dead).State, task.Purged)
		expect(t, "state", w.state(fine).State, task.Succeeded)
		expect(t, "dead", w.stats("default").Dead, 0)
	})
}

func TestPauseResume(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		eng := w.open(engine.Options{Lease: short, Queues: map[string]int{"q": 4, "other": 4}})
		typ := engine.Define[int]("t", engine.Queue("q"))
		release, started := make(chan bool), make(chan int, 10)
		engine.Handle(eng, typ, func(_ context.Context, n int) error {
			started <- n
			if n == 0 {
				<-release
			}
			return nil
		})
		w.run(eng)
		running := enqueue(t, eng, typ, 0)
		<-started
		for range 2 {
			if err := eng.Pause(ctx, "q", byTest); err != nil {
				t.Fatal(err)
			}
		}
		expect(t, "paused", w.stats("q").Paused, true)
		held := enqueue(t, eng, typ, 1)
		elsewhere := enqueue(t, eng, typ, 2, engine.Queue("other"))
		expect(t, "the other queue", w.wait(elsewhere).State, task.Succeeded)
		release <- true
		expect(t, "what ran", w.wait(running).State, task.Succeeded)
		expect(t, "what came", w.until(held, task.Ready).Attempt, 1)
		expect(t, "starts", len(started), 1)
		if err := eng.Resume(ctx, "q", byTest); err != nil {
			t.Fatal(err)
		}
		st := w.wait(held)
		expect(t, "resumed", st.State, task.Succeeded)
		expect(t, "attempt", st.Attempt, 1)
	})
}

// TestWait ends with the task, or with its context.
func TestWait(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		typ := engine.Define[int]("t")
		id := enqueue(t, w.eng, typ, 1)
		ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errBoom)
		defer cancel()
		st, err := w.eng.Wait(ctx, id)
		expectIs(t, "impatient", err, errBoom)
		expect(t, "state", st.State, task.Ready)

		eng := w.open(engine.Options{})
		engine.Handle(eng, typ, func(context.Context, int) error { return nil })
		w.run(eng)
		expect(t, "patient", w.wait(id).State, task.Succeeded)
	})
}

// TestDeadline: a task is not started after it, whether it was ready or waited.
func TestDeadline(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		typ := engine.Define[int]("t")
		past := time.Now().Add(-time.Second)
		ids := []engine.ID{
			enqueue(t, w.eng, typ, 1, engine.Deadline(past)),
			enqueue(t, w.eng, typ, 1, engine.Deadline(time.Now().Add(20*time.Millisecond)), engine.In(40*time.Millisecond)),
		}
		alive := enqueue(t, w.eng, typ, 1, engine.Deadline(time.Now().Add(time.Hour)))
		eng := w.open(engine.Options{})
		engine.Handle(eng, typ, func(ctx context.Context, _ int) error {
			if d, _ := engine.Current(ctx); d.ID != alive {
				t.Errorf("%s ran after its deadline", d.ID)
			}
			return nil
		})
		w.run(eng)
		for _, id := range ids {
			st := w.wait(id)
			expect(t, "state", st.State, task.Expired)
		}
		expect(t, "in time", w.wait(alive).State, task.Succeeded)
		expect(t, "expired", w.stats("default").Expired, 2)
	})
}

// TestKeys: one task a type and key, for as long as the key is remembered.
func TestKeys(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		a, b := engine.Define[int]("a"), engine.Define[int]("b")
		first := enqueue(t, w.eng, a, 1, engine.KeyFor("k", 30*time.Millisecond))
		again, err := a.Enqueue(t.Context(), w.eng, 2, engine.Key("k"))
		if err != nil || again.ID != first || !again.Existing {
			t.Errorf("got %+v, %v, want the first one", again, err)
		}
		other, err := b.Enqueue(t.Context(), w.eng, 1, engine.Key("k"))
		if err != nil || other.Existing {
			t.Errorf("the same key of another type: %+v, %v", other, err)
		}
		expect(t, "payload", string(w.state(first).Payload), "1")
		eventually(t, "the key is forgotten", func() bool {
			made, err := a.Enqueue(t.Context(), w.eng, 3, engine.KeyFor("k", time.Hour))
			return err == nil && !made.Existing
		})
	})
}
