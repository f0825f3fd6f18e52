package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

var byTest = engine.By{Actor: "test", Reason: "to see"}

// world is a namespace on one server, and the engines on it. Its end checks
// what the log says against what Redis holds.
type world struct {
	t   *testing.T
	url string
	ns  string
	eng *engine.Engine // never runs: for looking on, and to keep a mem:// server alive
}

var worlds atomic.Int64

// onBoth runs a test in process and on a real server.
func onBoth(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	t.Run("mem", func(t *testing.T) {
		t.Parallel()
		test(t, newWorld(t, fmt.Sprintf("mem://test%d", worlds.Add(1))))
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		test(t, newWorld(t, redistest.URL(t)))
	})
}

func newWorld(t *testing.T, url string) *world {
	t.Helper()
	w := &world{t: t, url: url, ns: redistest.Namespace(t)}
	w.eng = w.open(engine.Options{})
	t.Cleanup(w.check) // before it is closed, after all others have ended
	return w
}

// mem reports whether the server is in process. There a blocked read outlives its
// connection: what a stopping node hands back may be delivered to nobody, and is
// handed back or reclaimed once more.
func (w *world) mem() bool { return strings.HasPrefix(w.url, "mem:") }

// check is fsck.
func (w *world) check() {
	r, err := replay.Fsck(context.Background(), w.eng.Log(), w.eng.Log())
	if err != nil {
		w.t.Errorf("fsck: %v", err)
		return
	}
	for _, p := range r.Problems {
		w.t.Errorf("fsck: %s", p)
	}
}

// open opens an engine, closed with the test.
func (w *world) open(o engine.Options) *engine.Engine {
	w.t.Helper()
	o.Namespace = w.ns
	eng, err := engine.Open(context.Background(), w.url, o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := eng.Close(); err != nil {
			w.t.Errorf("close: %v", err)
		}
	})
	return eng
}

// run runs an engine until the test stops it, or ends.
func (w *world) run(eng *engine.Engine) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- eng.Run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	w.t.Cleanup(func() {
		if err := stop(); err != nil {
			w.t.Errorf("run: %v", err)
		}
	})
	return stop
}

// wait returns the status of a task that has ended, as it must.
func (w *world) wait(id engine.ID) engine.Status {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	st, err := w.eng.Wait(ctx, id)
	if err != nil {
		w.t.Fatalf("wait for %s (%s): %v", id, st.State, err)
	}
	return st
}

// state looks at a task.
func (w *world) state(id engine.ID) engine.Status {
	w.t.Helper()
	st, err := w.eng.State(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return st
}

// until looks at a task until it is in a state.
func (w *world) until(id engine.ID, want task.State) engine.Status {
	w.t.Helper()
	var st engine.Status
	eventually(w.t, fmt.Sprintf("task is %s", want), func() bool {
		st = w.state(id)
		return st.State == want
	})
	return st
}

// history is the kinds of a task's events.
func (w *world) history(id engine.ID) (kinds []string) {
	w.t.Helper()
	for e, err := range w.eng.History(w.t.Context(), id) {
		if err != nil {
			w.t.Fatal(err)
		}
		kinds = append(kinds, e.Kind.String())
	}
	return kinds
}

// stats are the numbers of a queue, zero if it is not known.
func (w *world) stats(queue string) task.Stats {
	w.t.Helper()
	all, err := w.eng.Stats(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, q := range all.Queues {
		if string(q.Queue) == queue {
			return q
		}
	}
	return task.Stats{}
}

// eventually waits for what must come to be.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(patience); !ok(); <-look.C {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// enqueue makes one task, as it must.
func enqueue[T any](t *testing.T, to engine.Producer, typ engine.Type[T], v T, opts ...engine.EnqueueOption) engine.ID {
	t.Helper()
	made, err := typ.Enqueue(context.Background(), to, v, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

func expect[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func expectIs(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

var errBoom = errors.New("boom")
