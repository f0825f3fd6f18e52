package witness_test

import (
	"testing"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/integration/history"
	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/task"
)

// churn enqueues tasks of many sorts while others run, without waiting.
func (w *world) churn(n int) (ids []engine.ID) {
	w.t.Helper()
	for i := range n {
		switch i % 6 {
		case 0:
			ids = append(ids, w.enqueue("ok", func(b *task.Birth) { b.In = time.Duration(i) * time.Millisecond }))
		case 1:
			ids = append(ids, w.enqueue("retry", nil))
		case 2:
			ids = append(ids, w.enqueue("bury", nil))
		case 3:
			ids = append(ids, w.enqueue("snooze", nil))
		case 4:
			id := w.enqueue("ok", func(b *task.Birth) { b.In = time.Hour })
			w.operate(history.Cancel, id)
			ids = append(ids, id)
		default:
			ids = append(ids, w.enqueue("ok", nil))
		}
	}
	return ids
}

// TestTail: the server falls back to a snapshot, in the middle of everything.
// What it forgot is reported, and what it knows runs again.
func TestTail(t *testing.T) {
	t.Parallel()
	p := redistest.Start(t, redisproc.Options{Args: []string{"--save", "", "--dbfilename", "tail.rdb"}})
	w := newWorld(t, p.URL(), engine.Retention{})
	w.start()
	kept := w.churn(200)
	w.must(w.client.Save(t.Context()).Err())
	w.churn(200)
	w.seen()
	fault := history.Fault{Name: "snapshot", From: history.Now(), Observed: 1, Loses: history.Tail}
	w.must(p.Kill())
	w.must(p.Restart(t.Context()))
	fault.To = history.Now()
	kept = append(kept, w.churn(200)...)
	for _, id := range kept {
		w.wait(id)
	}
	w.finish(fault)
	r := w.check()
	if r.Failed() || r.LostReported != 200 || r.Epochs != 1 || r.Orphans < 200 {
		t.Errorf("lost, reported %d, want 200:\n%s", r.LostReported, r.Table())
	}
	t.Log("\n" + r.Table())
}

// TestGroup: the consumer group is destroyed and rebuilt from the log.
func TestGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.URL(t), engine.Retention{})
	w.start()
	ids := w.churn(200)
	fault := history.Fault{Name: "xgroup destroy", From: history.Now(), Observed: 1, Loses: history.Nothing}
	w.must(w.client.XGroupDestroy(t.Context(), "tm:{"+w.ns+"/default/0}:t", "workers").Err())
	fault.To = history.Now()
	for _, id := range append(ids, w.churn(200)...) {
		w.wait(id)
	}
	w.finish(fault)
	if r := w.check(); r.Failed() {
		t.Error(r.Table())
	}
}
