package witness_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/integration/history"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/task"
)

// TestWhole: an engine works, trims and stops, and what the witness saw of it,
// read raw, breaks no invariant.
func TestWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.URL(t), engine.Retention{Age: time.Second})
	w.start()
	ids, dead := w.load(500)
	for _, id := range ids {
		w.wait(id)
	}
	for _, id := range dead {
		w.operate(history.Requeue, id)
		w.wait(id)
	}
	w.eventually("a trim", func() bool {
		floor, err := w.client.HGet(t.Context(), "tm:{"+w.ns+"/default/0}:m", "floor").Int()
		w.must(err)
		return floor > 100
	})
	for range 20 {
		w.wait(w.enqueue("ok", nil))
	}
	w.finish()

	r := w.check()
	if r.Failed() {
		t.Fatal(r.Table())
	}
	for name, pair := range map[string][2]int{
		"attempted": {r.Attempted, 520}, "acknowledged": {r.Acknowledged, 520}, "cancelled": {r.Cancelled, 50}, "expired": {r.Expired, 50},
		"dead": {r.Dead, 50}, "succeeded": {r.Succeeded, 345},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %d, want %d", name, pair[0], pair[1])
		}
	}
	if r.LatenessMs.N == 0 {
		t.Error("no lateness measured")
	}
	gone := 0
	for e, err := range history.Read[history.Entry](filepath.Join(w.dir, "log-default-0.jsonl")) {
		w.must(err)
		if e.Gone {
			gone++
		}
	}
	if gone == 0 {
		t.Error("nothing was trimmed")
	}
}

// load enqueues tasks of ten sorts, and names those that die and may run again.
func (w *world) load(n int) (ids, dead []engine.ID) {
	w.t.Helper()
	for i := range n {
		var id engine.ID
		switch i % 10 {
		case 0:
			id = w.enqueue("ok", func(b *task.Birth) { b.In = time.Duration(i) * time.Millisecond })
		case 1:
			id = w.enqueue("retry", nil)
		case 2:
			id = w.enqueue("bury", nil)
			if i < 100 {
				dead = append(dead, id)
			}
		case 3:
			id = w.enqueue("panic", nil)
		case 4:
			id = w.enqueue("ok", func(b *task.Birth) { b.In = time.Hour })
			w.operate(history.Cancel, id)
		case 5:
			id = w.enqueue("ok", func(b *task.Birth) { b.Key = "k" + string(rune('a'+i/20)) })
		case 6:
			id = w.enqueue("late", func(b *task.Birth) { b.Opts.Deadline = time.Now().Add(-time.Second) })
		case 7:
			id = w.enqueue("snooze", func(b *task.Birth) { b.In = 50 * time.Millisecond })
		default:
			id = w.enqueue("ok", nil)
		}
		ids = append(ids, id)
	}
	return ids, dead
}
