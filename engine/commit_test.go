package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/task"
)

// own is a world on a server of its own, and a client that looks behind it.
func own(t *testing.T, o redisproc.Options) (*world, *redisproc.Proc, *redis.Client) {
	t.Helper()
	p := redistest.Start(t, o)
	opts, err := redis.ParseURL(p.URL())
	if err != nil {
		t.Fatal(err)
	}
	db := redis.NewClient(opts)
	t.Cleanup(func() { _ = db.Close() })
	return newWorld(t, p.URL()), p, db
}

// TestGroupCommit: 64 goroutines that enqueue one by one share calls; each gets
// the id of its own task.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	const workers, each = 64, 25
	w, _, db := own(t, redisproc.Options{})
	typ := engine.Define[string]("t")
	enqueue(t, w.eng, typ, "first") // registers the queue
	if err := db.ConfigResetStat(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	ids := make([][]engine.ID, workers)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for j := range each {
				made, err := typ.Enqueue(t.Context(), w.eng, fmt.Sprint(i, j))
				if err != nil {
					t.Error(err)
				}
				ids[i] = append(ids[i], made.ID)
			}
		})
	}
	wg.Wait()
	calls, err := db.InfoMap(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if _, err := fmt.Sscanf(calls["Commandstats"]["cmdstat_evalsha"], "calls=%d", &n); err != nil || n > workers*each/2 {
		t.Errorf("%d calls for %d tasks (%v), want them shared", n, workers*each, err)
	}
	for i, of := range ids {
		for j, id := range of {
			if got, want := string(w.state(id).Payload), fmt.Sprintf("%q", fmt.Sprint(i, j)); got != want {
				t.Errorf("goroutine %d, task %d: payload %s, want %s", i, j, got, want)
			}
			if j > 0 && id.LSN() <= of[j-1].LSN() {
				t.Errorf("goroutine %d: task %d is not behind the one before", i, j)
			}
		}
	}
	expect(t, "enqueued", w.stats("default").Enqueued, workers*each+1)
}

// TestCancelledFlush: who leaves while its task is in flight is told that it may
// be in; who leaves before is not in; nobody else's task fails.
func TestCancelledFlush(t *testing.T) {
	t.Parallel()
	w, p, _ := own(t, redisproc.Options{})
	typ := engine.Define[int]("t")
	enqueue(t, w.eng, typ, -1) // registers the queue
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	const impatient, patient = 20, 5
	short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	answers := make([]answer, impatient+patient)
	var wg sync.WaitGroup
	for i := range answers {
		ctx := short
		if i >= impatient {
			ctx = t.Context()
		}
		wg.Go(func() {
			made, err := typ.Enqueue(ctx, w.eng, i)
			answers[i] = answer{made, err}
		})
	}
	<-short.Done()
	if err := p.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	in := w.payloads()
	for i, a := range answers {
		was, key := 0, fmt.Sprint(i)
		was = in[key]
		switch {
		case a.err == nil && (was != 1 || string(w.state(a.task.ID).Payload) != key):
			t.Errorf("caller %d: told %s, is in %d times", i, a.task.ID, was)
		case a.err != nil && i >= impatient:
			t.Errorf("patient caller %d: %v", i, a.err)
		case errors.Is(a.err, engine.ErrUncertain) && was > 1:
			t.Errorf("uncertain caller %d: is in %d times", i, was)
		case a.err != nil && !errors.Is(a.err, engine.ErrUncertain) && was != 0:
			t.Errorf("caller %d: told %v, is in", i, a.err)
		case a.err != nil && !errors.Is(a.err, context.DeadlineExceeded):
			t.Errorf("caller %d: %v does not tell the cause", i, a.err)
		}
	}
}

// answer is what an Enqueue answered.
type answer struct {
	task engine.Task
	err  error
}

// payloads counts the births in the log by their payload.
func (w *world) payloads() map[string]int {
	w.t.Helper()
	in := map[string]int{}
	for e, err := range w.eng.Log().Events(context.Background(), "default", 0, task.Position{}) {
		if err != nil {
			w.t.Fatal(err)
		}
		if e.Kind == task.Born {
			in[string(e.Payload)]++
		}
	}
	return in
}

// TestCancelledBefore: a context that is done already sends nothing.
func TestCancelledBefore(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		typ := engine.Define[int]("t")
		enqueue(t, w.eng, typ, 1)
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errBoom)
		_, err := typ.Enqueue(ctx, w.eng, 2)
		expectIs(t, "enqueue", err, errBoom)
		if errors.Is(err, engine.ErrUncertain) {
			t.Errorf("%v, and nothing was sent", err)
		}
		expect(t, "enqueued", w.stats("default").Enqueued, 1)
	})
}

// TestMemoryFull: enqueueing is refused and says why; what runs still completes,
// fails, is released and runs again.
func TestMemoryFull(t *testing.T) {
	t.Parallel()
	w, _, db := own(t, redisproc.Options{Args: []string{"--maxmemory-policy", "noeviction"}})
	typ := engine.Define[int]("t", engine.Retry(1), quickly)
	eng := w.open(engine.Options{Lease: short})
	full, started := make(chan bool), make(chan bool, 2)
	engine.Handle(eng, typ, func(ctx context.Context, n int) error {
		if d, _ := engine.Current(ctx); d.Attempt == 1 {
			started <- true
			<-full
			if n == 1 {
				return errBoom
			}
		}
		return nil
	})
	w.run(eng)
	ids := []engine.ID{enqueue(t, eng, typ, 0), enqueue(t, eng, typ, 1)}
	<-started
	<-started
	if err := db.ConfigSet(t.Context(), "maxmemory", "1mb").Err(); err != nil {
		t.Fatal(err)
	}
	_, err := typ.Enqueue(t.Context(), eng, 2)
	expectIs(t, "enqueue", err, engine.ErrBackpressure)
	var why *task.Backpressure
	if !errors.As(err, &why) || why.Reason != "memory" {
		t.Errorf("enqueue: %v, want the reason", err)
	}
	if err != nil && !strings.HasPrefix(err.Error(), "enqueue t: ") {
		t.Errorf("enqueue: %q does not name what", err)
	}
	close(full)
	for i, id := range ids {
		st := w.wait(id)
		expect(t, "state", st.State, task.Succeeded)
		expect(t, "attempt", st.Attempt, i+1)
	}
	if err := db.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	w.wait(enqueue(t, eng, typ, 3))
	expect(t, "enqueued", w.stats("default").Enqueued, 3)
}

// TestMany: more than a call holds, immediate and delayed, in order.
func TestMany(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const n = 1000
		typ := engine.Define[int]("t")
		vs := make([]int, n)
		for i := range vs {
			vs[i] = i
		}
		for state, o := range map[task.State]engine.EnqueueOption{task.Ready: engine.In(0), task.Waiting: engine.In(time.Hour)} {
			made, err := typ.EnqueueMany(t.Context(), w.eng, vs, o)
			if err != nil || len(made) != n {
				t.Fatalf("%d made, %v", len(made), err)
			}
			for i := 1; i < n; i++ {
				if made[i].ID.LSN() != made[i-1].ID.LSN()+1 {
					t.Fatalf("task %d does not follow the one before", i)
				}
			}
			for _, i := range []int{0, 255, 256, n - 1} {
				st := w.state(made[i].ID)
				expect(t, "state", st.State, state)
				expect(t, "payload", string(st.Payload), fmt.Sprint(i))
			}
		}
	})
}
