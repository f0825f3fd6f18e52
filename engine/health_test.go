package engine_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

// TestHealthErr: each reason why a node should get no work, and what is none.
func TestHealthErr(t *testing.T) {
	t.Parallel()
	now := time.Now()
	well := engine.Health{Running: true, Handlers: 3, Stuck: 1, Slots: 4, LastRead: now, LastRenewed: now, Lease: time.Second, Rewinds: 2}
	for want, change := range map[string]func(h *engine.Health){
		"":                           func(*engine.Health) {},
		"not running":                func(h *engine.Health) { h.Running = false },
		"draining":                   func(h *engine.Health) { h.Draining = true },
		"2 of 3 handlers ignore":     func(h *engine.Health) { h.Stuck = 2 },
		"boom":                       func(h *engine.Health) { h.Redis = errBoom },
		"no consumer":                func(h *engine.Health) { h.LastRead, h.LastRenewed = time.Time{}, time.Time{} },
		"no lease was renewed for 2": func(h *engine.Health) { h.LastRenewed = now.Add(-2 * time.Second) },
		"nothing was read for 1m":    func(h *engine.Health) { h.LastRead = now.Add(-time.Minute) },
	} {
		h := well
		change(&h)
		if err := h.Err(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestReady: a node is ready when its consumers have joined and until it is told
// to stop, not until it has stopped; a full one and a paused one are ready too.
func TestReady(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		eng := w.open(engine.Options{Queues: map[string]int{"default": 1}, Lease: 500 * time.Millisecond})
		typ := engine.Define[int]("t")
		started, release := make(chan bool, 1), make(chan bool)
		engine.Handle(eng, typ, func(context.Context, int) error {
			started <- true
			<-release
			return nil
		})
		if err := eng.Ready(t.Context()); err == nil {
			t.Error("ready before Run")
		}
		stop := w.run(eng)
		ready := func() bool { return eng.Ready(t.Context()) == nil }
		eventually(t, "ready", ready)
		enqueue(t, eng, typ, 1)
		<-started
		for end := time.Now().Add(3 * time.Second); time.Now().Before(end); <-time.After(100 * time.Millisecond) {
			if h := eng.Health(t.Context()); h.Err() != nil || h.Handlers != 1 || h.Slots != 1 {
				t.Fatalf("full for several leases: %v, %+v", h.Err(), h)
			}
		}
		done := make(chan error, 1)
		go func() { done <- stop() }()
		eventually(t, "not ready", func() bool { return !ready() })
		expectIs(t, "while a handler may end", eng.Ready(t.Context()), engine.ErrDraining)
		close(release)
		if err := <-done; err != nil {
			t.Error(err)
		}
		expectIs(t, "after Run", eng.Ready(t.Context()), engine.ErrDraining)
	})
}

// TestReadyHalfStuck: handlers that never return. Their attempts end as timeouts,
// are tried again and take one slot each; at half of the slots the node is not ready.
func TestReadyHalfStuck(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		eng := w.open(engine.Options{Queues: map[string]int{"default": 4}})
		typ := engine.Define[int]("t", engine.Timeout(10*time.Millisecond), engine.Retry(1), quickly)
		release := make(chan bool)
		t.Cleanup(func() { close(release) })
		engine.Handle(eng, typ, func(context.Context, int) error {
			for range release { // whatever ctx says
			}
			return nil
		})
		w.run(eng)
		eventually(t, "ready", func() bool { return eng.Ready(t.Context()) == nil })
		id := enqueue(t, eng, typ, 1)
		eventually(t, "one is stuck", func() bool { _, stuck := eng.Running(); return stuck == 1 })
		if err := eng.Ready(t.Context()); err != nil {
			t.Errorf("one of four slots: %v", err)
		}
		st := w.wait(id)
		expect(t, "reason", st.Reason, "retries")
		expect(t, "attempt", st.Attempt, 2)
		if err := eng.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "2 of 2 handlers") {
			t.Errorf("two of four slots: %v", err)
		}
		if diff := cmp.Diff([]string{"born", "retry", "released", "dead"}, w.history(id)); diff != "" {
			t.Errorf("history (-want +got):\n%s", diff)
		}
	})
}

// TestGoexit: a handler that ends its goroutine has failed, and its slot is free.
func TestGoexit(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		eng := w.open(engine.Options{Queues: map[string]int{"default": 1}})
		typ := engine.Define[int]("t", engine.Retry(1), quickly)
		quick := engine.Define[int]("quick")
		engine.Handle(eng, typ, func(context.Context, int) error {
			runtime.Goexit()
			return errors.New("not reached")
		})
		engine.Handle(eng, quick, func(context.Context, int) error { return nil })
		w.run(eng)
		st := w.wait(enqueue(t, eng, typ, 1))
		expect(t, "state", st.State, task.Dead)
		expect(t, "attempt", st.Attempt, 2)
		expect(t, "error", st.Error, "handler called runtime.Goexit")
		expect(t, "the slot", w.wait(enqueue(t, eng, quick, 1)).State, task.Succeeded)
		eventually(t, "no handler runs", func() bool { n, stuck := eng.Running(); return n == 0 && stuck == 0 })
	})
}
