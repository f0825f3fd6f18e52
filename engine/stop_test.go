package engine_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

// TestStopHandsBack: what a node fetched ahead and did not start goes back at
// once, while what runs may end. No attempt is used, and nothing runs twice.
func TestStopHandsBack(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const tasks, long = 2000, 1000
		typ := engine.Define[int]("t", engine.Retry(0))
		ids, err := typ.EnqueueMany(t.Context(), w.eng, make([]int, tasks))
		if err != nil {
			t.Fatal(err)
		}
		var runs [tasks]atomic.Int32
		number := map[engine.ID]int{}
		for i, made := range ids {
			number[made.ID] = i
		}
		started, release := make(chan bool), make(chan bool)
		handle := func(ctx context.Context, _ int) error {
			d, _ := engine.Current(ctx)
			n := number[d.ID]
			runs[n].Add(1)
			if n == long {
				close(started)
				<-release
			}
			return nil
		}
		first := w.open(engine.Options{Queues: map[string]int{"default": 1}})
		engine.Handle(first, typ, handle)
		stop := w.run(first)
		<-started
		stopped := make(chan error, 1)
		go func() { stopped <- stop() }()
		eventually(t, "all but the one that runs are ready again", func() bool {
			s := w.stats("default")
			return s.Running == 1 && s.Ready == tasks-long-1
		})
		close(release)
		if err := <-stopped; err != nil {
			t.Errorf("run: %v", err)
		}
		expect(t, "what ran", w.state(ids[long].ID).State, task.Succeeded)

		second := w.open(engine.Options{Lease: short})
		engine.Handle(second, typ, handle)
		w.run(second)
		eventually(t, "all have succeeded", func() bool { return w.stats("default").Succeeded == tasks })
		expect(t, "attempt of the last", w.state(ids[tasks-1].ID).Attempt, 1)
		for i := range runs {
			if n := runs[i].Load(); n != 1 {
				t.Errorf("task %d ran %d times", i, n)
			}
		}
	})
}

// TestStopCancels after Drain: the task goes back as it was, whatever its retries.
func TestStopCancels(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		typ := engine.Define[int]("t", engine.Retry(0))
		first := w.open(engine.Options{Drain: 50 * time.Millisecond})
		started, cause := make(chan bool), make(chan error, 1)
		engine.Handle(first, typ, func(ctx context.Context, _ int) error {
			close(started)
			<-ctx.Done()
			cause <- context.Cause(ctx)
			return ctx.Err()
		})
		stop := w.run(first)
		id := enqueue(t, w.eng, typ, 1)
		<-started
		if err := stop(); err != nil {
			t.Errorf("run: %v", err)
		}
		expectIs(t, "cause", <-cause, engine.ErrDraining)
		expect(t, "state", w.state(id).State, task.Ready)

		second := w.open(engine.Options{Lease: short})
		engine.Handle(second, typ, func(context.Context, int) error { return nil })
		w.run(second)
		st := w.wait(id)
		expect(t, "state", st.State, task.Succeeded)
		expect(t, "attempt", st.Attempt, 1)
		if diff := cmp.Diff([]string{"born", "handed_back", "succeeded"}, w.history(id)); diff != "" && !w.mem() {
			t.Errorf("history (-want +got):\n%s", diff)
		}
	})
}

// TestStopAbandons a handler that heeds nothing: Run returns, the task runs
// elsewhere, and what the handler returns in the end changes nothing.
func TestStopAbandons(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		typ := engine.Define[int]("t", engine.Retry(0))
		first := w.open(engine.Options{Drain: 50 * time.Millisecond})
		started, release, returned := make(chan bool), make(chan bool), make(chan bool)
		engine.Handle(first, typ, func(context.Context, int) error {
			close(started)
			<-release
			defer close(returned)
			return errBoom
		})
		stop := w.run(first)
		id := enqueue(t, w.eng, typ, 1)
		<-started
		at := time.Now()
		if err := stop(); err != nil {
			t.Errorf("run: %v", err)
		}
		if took := time.Since(at); took > 5*time.Second {
			t.Errorf("run returned after %v", took)
		}
		running, stuck := first.Running()
		expect(t, "running", running, 1)
		expect(t, "stuck", stuck, 1)

		second := w.open(engine.Options{Lease: short})
		engine.Handle(second, typ, func(context.Context, int) error { return nil })
		w.run(second)
		expect(t, "state", w.wait(id).State, task.Succeeded)
		close(release)
		<-returned
		expect(t, "after the late return", w.state(id).State, task.Succeeded)
	})
}

// TestStopLeavesNothing: a node that stopped is gone from all lists.
func TestStopLeavesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		typ := engine.Define[int]("t")
		eng := w.open(engine.Options{Lease: short, Queues: map[string]int{"a": 1, "b": 2, "c": 3}})
		engine.Handle(eng, typ, func(context.Context, int) error { return nil })
		stop := w.run(eng)
		for q := range map[string]bool{"a": true, "b": true, "c": true} {
			w.wait(enqueue(t, eng, typ, 1, engine.Queue(q)))
		}
		eventually(t, "the node is announced with its consumers", func() bool {
			nodes, err := w.eng.Log().Nodes(ctx)
			return err == nil && len(nodes) == 1 && len(nodes[0].Holds) == 3
		})
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		nodes, err := w.eng.Log().Nodes(ctx)
		if err != nil || len(nodes) != 0 {
			t.Errorf("nodes %v, %v", nodes, err)
		}
		for _, q := range []task.Queue{"a", "b", "c"} {
			consumers, err := w.eng.Log().Consumers(ctx, q)
			if err != nil || len(consumers) != 0 {
				t.Errorf("consumers of %s: %v, %v", q, consumers, err)
			}
		}
	})
}

// TestTwoNodes share the work; each task runs once.
func TestTwoNodes(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const tasks = 500
		typ := engine.Define[int]("t")
		var mine [2]atomic.Int64
		for i := range mine {
			eng := w.open(engine.Options{Queues: map[string]int{"default": 4}})
			engine.Handle(eng, typ, func(context.Context, int) error {
				mine[i].Add(1)
				return nil
			})
			w.run(eng)
		}
		ids, err := typ.EnqueueMany(t.Context(), w.eng, make([]int, tasks))
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "all have succeeded", func() bool { return w.stats("default").Succeeded == tasks })
		expect(t, "ids", len(ids), tasks)
		expect(t, "runs", mine[0].Load()+mine[1].Load(), tasks)
	})
}
