package witness_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/integration/history"
	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/task"
)

// seen waits until the witness has seen everything that is there.
func (w *world) seen() {
	w.t.Helper()
	w.eventually("all is seen", func() bool {
		lsn, err := w.client.HGet(w.t.Context(), "tm:{"+w.ns+"/default/0}:m", "lsn").Int64()
		w.must(err)
		return w.w.Seen() >= lsn
	})
}

// TestFlush: everything is gone at once, and begins anew.
func TestFlush(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.Start(t, redisproc.Options{}).URL(), engine.Retention{})
	w.start()
	for range 30 {
		w.wait(w.enqueue("ok", nil))
	}
	for range 5 {
		w.enqueue("ok", func(b *task.Birth) { b.In = patience })
	}
	w.seen()
	fault := history.Fault{Name: "flush", From: history.Now(), Observed: 1, Loses: history.All}
	w.must(w.client.FlushAll(t.Context()).Err())
	fault.To = history.Now()
	for range 30 {
		w.wait(w.enqueue("ok", nil))
	}
	w.finish(fault)

	r := w.check()
	if r.Failed() || r.LostReported != 35 || r.Succeeded != 30 || r.Epochs != 1 || r.Orphans < 36 {
		t.Errorf("lost, reported %d, want 35, epochs %d, want 1:\n%s", r.LostReported, r.Epochs, r.Table())
	}
	w.must(os.Remove(filepath.Join(w.dir, "faults.jsonl")))
	if r := w.check(); r.Lost != 35 || !r.Failed() {
		t.Errorf("without the fault %d lost, want 35:\n%s", r.Lost, r.Table())
	}
}

// TestRestart: the server is killed and comes back with what it had written.
func TestRestart(t *testing.T) {
	t.Parallel()
	p := redistest.Start(t, redisproc.Options{Args: []string{"--appendonly", "yes", "--appendfsync", "always"}})
	w := newWorld(t, p.URL(), engine.Retention{})
	w.start()
	for range 20 {
		w.wait(w.enqueue("ok", nil))
	}
	fault := history.Fault{Name: "kill redis", From: history.Now(), Observed: 1, Loses: history.Nothing}
	w.must(p.Kill())
	w.must(p.Restart(t.Context()))
	fault.To = history.Now()
	for range 20 {
		w.wait(w.enqueue("retry", nil))
	}
	w.finish(fault)
	if r := w.check(); r.Failed() || r.Succeeded != 40 || r.Epochs != 1 {
		t.Errorf("epochs %d, want 1:\n%s", r.Epochs, r.Table())
	}
}

// TestTaken: a stranger deletes what the witness has seen and nobody has read.
func TestTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.URL(t), engine.Retention{})
	for range 3 {
		w.enqueue("ok", nil)
	}
	w.seen()
	key := "tm:{" + w.ns + "/default/0}:t"
	entries, err := w.client.XRange(t.Context(), key, "-", "+").Result()
	w.must(err)
	w.must(w.client.XDel(t.Context(), key, entries[1].ID).Err())
	w.start()
	w.wait(w.enqueue("ok", nil))
	w.finish(history.Fault{Name: "xdel", From: 1, Observed: 1, Loses: history.Cutting})
	if r := w.check(); r.Taken != 1 || r.Succeeded != 3 || r.Failed() {
		t.Errorf("taken %d, want 1:\n%s", r.Taken, r.Table())
	}
	w.must(os.Remove(filepath.Join(w.dir, "faults.jsonl")))
	if r := w.check(); r.Broken["I7"] != 1 {
		t.Errorf("nobody took it, and I7 holds:\n%s", r.Table())
	}
}

// TestCursor: a trim spares what the witness has not seen, and its cursor is gone
// in the end.
func TestCursor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.URL(t), engine.Retention{})
	w.start()
	id := w.enqueue("ok", nil)
	w.wait(id)
	w.seen()
	key := "tm:{" + w.ns + "/default/0}:k"
	last, err := w.client.XRevRangeN(t.Context(), "tm:{"+w.ns+"/default/0}:e", "+", "-", 1).Result()
	w.must(err)
	w.eventually("the cursor is at the last entry", func() bool {
		at, err := w.client.HGet(t.Context(), key, "witness").Result()
		if !errors.Is(err, redis.Nil) { // it moves only after what was seen is counted
			w.must(err)
		}
		return at == last[0].ID
	})
	w.finish()
	n, err := w.client.Exists(t.Context(), key).Result()
	w.must(err)
	if n != 0 {
		t.Error("the cursor is still there")
	}
}
