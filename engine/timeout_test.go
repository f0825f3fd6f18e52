package engine_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

// TestTimeout: the context of an attempt ends with a cause, and the attempt failed.
func TestTimeout(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		eng := w.open(engine.Options{})
		typ := engine.Define[int]("t", engine.Timeout(20*time.Millisecond), engine.Retry(1), quickly)
		causes := make(chan error, 4)
		engine.Handle(eng, typ, func(ctx context.Context, _ int) error {
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return ctx.Err()
		})
		w.run(eng)
		id := enqueue(t, eng, typ, 1)
		st := w.wait(id)
		expect(t, "reason", st.Reason, "retries")
		expect(t, "error", st.Error, "attempt timed out: context deadline exceeded")
		expectIs(t, "cause", <-causes, engine.ErrTimeout)
		expectIs(t, "cause", <-causes, engine.ErrTimeout)
		if diff := cmp.Diff([]string{"born", "retry", "released", "dead"}, w.history(id)); diff != "" {
			t.Errorf("history (-want +got):\n%s", diff)
		}

		start := time.Now()
		slow := enqueue(t, eng, typ, 1, engine.Timeout(300*time.Millisecond), engine.Retry(0))
		w.wait(slow)
		if took := time.Since(start); took < 300*time.Millisecond {
			t.Errorf("the timeout of the task is that of its type: %v", took)
		}
	})
}

// TestTimeoutIgnored: the attempt counts all the same, its slot stays taken, and
// what it returns in the end changes nothing.
func TestTimeoutIgnored(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		stuck := make(chan engine.ID, 1)
		eng := w.open(engine.Options{Queues: map[string]int{"default": 2}, Observer: engine.Observer{
			Stuck: func(d *engine.Delivery) { stuck <- d.ID },
		}})
		typ := engine.Define[int]("t", engine.Timeout(10*time.Millisecond), engine.Retry(0))
		quick := engine.Define[int]("quick")
		release, returned := make(chan bool), make(chan bool)
		engine.Handle(eng, typ, func(context.Context, int) error {
			<-release
			defer close(returned)
			return nil
		})
		engine.Handle(eng, quick, func(context.Context, int) error { return nil })
		w.run(eng)

		id := enqueue(t, eng, typ, 1)
		st := w.wait(id)
		expect(t, "state", st.State, task.Dead)
		expect(t, "reason", st.Reason, "retries")
		if !strings.Contains(st.Error, "ignores its context") {
			t.Errorf("error %q", st.Error)
		}
		expect(t, "told", <-stuck, id)
		running, n := eng.Running()
		expect(t, "running", running, 1)
		expect(t, "stuck", n, 1)
		if err := eng.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "1 of 1 handlers") {
			t.Errorf("ready: %v", err)
		}
		expect(t, "the other slot", w.wait(enqueue(t, eng, quick, 1)).State, task.Succeeded)

		close(release)
		<-returned
		eventually(t, "the slot is free", func() bool {
			running, n := eng.Running()
			return running == 0 && n == 0
		})
		expect(t, "after the late return", w.state(id).State, task.Dead)
		if err := eng.Ready(t.Context()); err != nil {
			t.Errorf("ready: %v", err)
		}
	})
}
