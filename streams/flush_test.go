package streams_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// Everything is gone: the next call goes on, with lsns beyond those it knew, and
// tells what was lost.
func TestFlushed(t *testing.T) {
	t.Parallel()
	p := redistest.Start(t, redisproc.Options{})
	var told []streams.Rewind
	o := streams.Options{Rewound: func(r streams.Rewind) { told = append(told, r) }}
	r := newRig(t, p.URL(), o).checked()
	w := r.work()
	known := r.stats().LSN
	r.must(r.db.FlushAll(r.ctx).Err())
	id := r.ready(1)[0]
	if id.LSN() <= known || id.Epoch() <= w.done.Epoch() {
		t.Errorf("new id %d of epoch %d after %d of %d", id.LSN(), id.Epoch(), known, w.done.Epoch())
	}
	if len(told) != 1 || told[0].Survived != 0 || told[0].Known == 0 || !errors.Is(told[0], task.ErrLogRewound) {
		t.Errorf("told %v, want one loss of everything", told)
	}
	if _, err := w.s.Settle(r.ctx, outcomes(task.OutcomeSuccess, []task.Delivery{w.delivery})); !errors.Is(err, task.ErrFenced) {
		t.Errorf("settle: %v, want %v", err, task.ErrFenced)
	}
	r.wantRun(r.drain(), id)
	if _, err := r.log.Reader().Status(r.ctx, w.waiting); !errors.Is(err, task.ErrNotFound) {
		t.Errorf("status: %v, want %v", err, task.ErrNotFound)
	}
	// another process finds the same partition
	other := newRig(t, p.URL(), streams.Options{Namespace: namespaceOf(r)})
	other.state(id, task.Succeeded)
}

// Scripts are loaded again where the server forgot them.
func TestScriptsFlushed(t *testing.T) {
	t.Parallel()
	p := redistest.Start(t, redisproc.Options{})
	r := newRig(t, p.URL(), streams.Options{}).checked()
	s := r.join()
	for i := range 3 {
		d := r.held(s, 1)
		r.must(r.db.ScriptFlush(r.ctx).Err())
		r.settle(s, task.OutcomeSuccess, task.Recorded, d...)
		r.must(r.db.ScriptFlush(r.ctx).Err())
		if n := r.stats().Succeeded; n != int64(i+1) {
			t.Errorf("succeeded %d, want %d", n, i+1)
		}
		r.must(r.db.ScriptFlush(r.ctx).Err())
	}
	births := make([]task.Birth, streams.MaxRelease)
	for i := range births {
		births[i] = task.Birth{Type: "work", Queue: queue, In: time.Millisecond}
	}
	ids := r.enqueue(births...)
	r.must(r.db.ScriptFlush(r.ctx).Err())
	r.release(ids...) // several calls in one trip
	if n := r.stats().Ready; n != int64(len(ids)) {
		t.Errorf("released %d, want %d", n, len(ids))
	}
}

func namespaceOf(r *rig) string {
	_, after, _ := strings.Cut(r.k.Meta, "{")
	ns, _, _ := strings.Cut(after, "/")
	return ns
}
