package witness_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/integration/history"
	"github.com/tidemill/tidemill/internal/redistest"
)

// full is a world whose worker process hangs in ten of forty tasks.
func full(t *testing.T) (w *world, worker *exec.Cmd, ids []engine.ID) {
	t.Helper()
	url := redistest.URL(t)
	w = newWorld(t, url, engine.Retention{})
	journal := filepath.Join(w.dir, "effects")
	worker = exec.Command(os.Args[0])
	worker.Stderr = os.Stderr
	worker.Env = append(os.Environ(), envURL+"="+url, envNamespace+"="+w.ns, envEffects+"="+journal)
	w.must(worker.Start())
	t.Cleanup(func() {
		_ = worker.Process.Kill() // it is dead, unless the test failed
		_ = worker.Wait()
	})
	for i := range 40 {
		plan := "ok"
		if i%4 == 0 {
			plan = "hang"
		}
		ids = append(ids, w.enqueue(plan, nil))
	}
	w.eventually("ten hang", func() bool {
		b, err := os.ReadFile(journal)
		w.must(err)
		return strings.Count(string(b), "start ") == 40
	})
	w.seen()
	return w, worker, ids
}

// TestKill: a worker is killed with its hands full, and another takes over.
func TestKill(t *testing.T) {
	t.Parallel()
	w, worker, ids := full(t)
	fault := history.Fault{Name: "kill", From: history.Now(), PID: worker.Process.Pid, Observed: 1, Loses: history.Nothing}
	w.must(worker.Process.Kill())
	w.start()
	for _, id := range ids {
		w.wait(id)
	}
	fault.To = history.Now()
	w.finish(fault)
	r := w.check()
	if r.Failed() || r.ExecutedAgain["kill"] != 10 || r.RecoveryMs.N != 10 || r.Reclaimed < 10 || r.RecoveryMs.Max < 900 {
		t.Errorf("want 10 reclaimed:\n%s", r.Table())
	}
}

// TestPause: a worker is stopped, others take over, and it wakes up: what it
// says then is refused.
func TestPause(t *testing.T) {
	t.Parallel()
	w, worker, ids := full(t)
	fault := history.Fault{Name: "pause", From: history.Now(), PID: worker.Process.Pid, Observed: 1, Loses: history.Nothing}
	w.must(worker.Process.Signal(syscall.SIGSTOP))
	w.start()
	for _, id := range ids {
		w.wait(id)
	}
	w.must(worker.Process.Signal(syscall.SIGCONT))
	fault.To = history.Now()
	w.eventually("late outcomes", func() bool { return w.kinds()["stale_outcome"] == 10 })
	w.must(worker.Process.Kill())
	w.wait(w.enqueue("ok", nil))
	w.finish(fault)
	if r := w.check(); r.Failed() || r.ExecutedAgain["pause"] != 10 || r.StaleRefused != 10 {
		t.Errorf("want 10 refused:\n%s", r.Table())
	}
}

// kinds counts the events of the log.
func (w *world) kinds() map[string]int {
	w.t.Helper()
	all, err := w.client.XRange(w.t.Context(), "tm:{"+w.ns+"/default/0}:e", "-", "+").Result()
	w.must(err)
	n := map[string]int{}
	for _, e := range all {
		kind, _ := e.Values["kind"].(string)
		n[kind]++
	}
	return n
}
