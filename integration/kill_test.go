package integration

import (
	"syscall"
	"testing"
	"time"

	"github.com/tidemill/tidemill/task"
)

// A worker that holds 10,000 deliveries is killed: all of them start elsewhere
// within a lease and a second.
func TestTenThousandHeld(t *testing.T) {
	const n, lease = 10_000, 3 * time.Second
	w := setup(t, n, lease)
	first := w.start()
	ids := w.enqueue(typeSleep, "1h", n)
	w.until(20*time.Second, "the first worker runs all", func() bool { return w.written() >= n })
	w.start()
	w.until(10*time.Second, "the second worker is there", func() bool {
		c, err := w.eng.Log().Consumers(t.Context(), "default")
		return err == nil && len(c) == 2
	})
	killed := time.Now()
	first.kill()
	w.until(30*time.Second, "all started again", func() bool { return w.written() >= 2*n })

	lines := w.lines()
	last := lines[len(lines)-1].at
	if took := last.Sub(killed); took > lease+time.Second {
		t.Errorf("the last of %d deliveries started elsewhere after %s, want at most %s", n, took, lease+time.Second)
	} else {
		t.Logf("all %d deliveries started elsewhere within %s (lease %s)", n, took, lease)
	}
	starts := count(lines, "start")
	for _, id := range ids {
		if starts[id] != 2 {
			t.Fatalf("task %s started %d times, want 2", id, starts[id])
		}
	}
}

// A live task that runs for ten leases runs once, beside a node that would take over.
func TestTenLeasesRunOnce(t *testing.T) {
	t.Parallel()
	const lease = 500 * time.Millisecond
	w := setup(t, 4, lease)
	w.start()
	w.start()
	ids := w.enqueue(typeSleep, (10 * lease).String(), 4)
	w.until(30*time.Second, "all succeeded", func() bool { return w.stats().Succeeded == int64(len(ids)) })
	for id, n := range count(w.lines(), "start") {
		if n != 1 {
			t.Errorf("task %s started %d times, want once", id, n)
		}
	}
}

// A worker that is stopped for longer than its lease wakes up as a zombie: its
// outcomes are refused, its handlers are told, and what took over counts.
func TestZombie(t *testing.T) {
	t.Parallel()
	const lease = time.Second
	w := setup(t, 4, lease)
	zombie := w.start()
	ids := w.enqueue(typeSleep, "2500ms", 4)
	w.until(10*time.Second, "all started", func() bool { return w.written() == len(ids) })
	zombie.signal(w, syscall.SIGSTOP)
	w.start()
	w.until(20*time.Second, "all taken over", func() bool { return w.written() == 2*len(ids) })
	zombie.signal(w, syscall.SIGCONT)
	w.until(20*time.Second, "all succeeded", func() bool { return w.stats().Succeeded == int64(len(ids)) })
	w.until(20*time.Second, "late outcomes are in the log", func() bool { return w.kinds(ids[0])[task.StaleOutcome] == 1 })
	for _, id := range ids {
		kinds := w.kinds(id)
		if kinds[task.OutcomeSuccess] != 1 || kinds[task.Reclaimed] != 1 {
			t.Errorf("task %s: history has %v, want one success and one reclaim", id, kinds)
		}
	}
}

// kinds counts a task's events.
func (w *world) kinds(id task.ID) map[task.Kind]int {
	n := map[task.Kind]int{}
	for e, err := range w.eng.History(w.Context(), id) {
		if err != nil {
			w.Fatal(err)
		}
		n[e.Kind]++
	}
	return n
}

// One task kills every node that runs it. It is buried after three of them; of
// the 200 that were held beside it none is.
func TestPoison(t *testing.T) {
	t.Parallel()
	const lease = time.Second
	w := setup(t, 256, lease)
	neighbours := w.enqueue(typeSleep, "50ms", 200)
	poison := w.enqueue(typeCrash, "", 1)[0]
	for deaths := 0; w.state(poison).State != task.Dead; deaths++ {
		if deaths > 3 {
			t.Fatal("a fourth node died of it")
		}
		p := w.start()
		w.until(30*time.Second, "the node dies or the task is dead", func() bool {
			select {
			case <-p.done:
				return true
			default:
				return w.state(poison).State == task.Dead
			}
		})
	}
	if st := w.state(poison); st.Reason != "crash_loop" {
		t.Errorf("the poison task is dead for %q, want crash_loop", st.Reason)
	}
	w.until(60*time.Second, "the neighbours succeeded", func() bool { return w.stats().Succeeded == int64(len(neighbours)) })
	if s := w.stats(); s.Dead != 1 {
		t.Errorf("%d tasks are dead, want the poison one alone", s.Dead)
	}
}

// SIGTERM: what runs may end, the rest goes back at once, and no attempt is used.
func TestTerminate(t *testing.T) {
	t.Parallel()
	const lease = 5 * time.Second
	w := setup(t, 4, lease)
	first := w.start()
	ids := w.enqueue(typeSleep, "30s", 8)
	w.until(10*time.Second, "four run", func() bool { return w.written() == 4 })
	first.signal(w, syscall.SIGTERM)
	<-first.done
	if first.err != nil {
		t.Errorf("the worker ended with %v, want a clean exit", first.err)
	}
	w.until(time.Second, "all are ready again", func() bool { return w.stats().Ready == int64(len(ids)) })
	for _, id := range ids {
		if st := w.state(id); st.Attempt != 1 || st.State != task.Ready {
			t.Errorf("task %s is %s at attempt %d, want ready at 1", id, st.State, st.Attempt)
		}
	}
}
