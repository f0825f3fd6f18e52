package streams_test

import (
	"errors"
	"testing"
	"time"

	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// At maxmemory nothing comes in, and everything else goes on: no lease ends, no
// outcome waits, and a trim makes room.
func TestMemoryFull(t *testing.T) {
	t.Parallel()
	p := redistest.Start(t, redisproc.Options{})
	r := newRig(t, p.URL(), streams.Options{}).checked()
	a, b := r.join(), r.join()
	ds := r.held(a, 5)
	dead := r.held(a, 3)
	r.settle(a, task.OutcomeDead, task.Recorded, dead...)
	taken := r.held(b, 2)
	waiting, ready, due := r.later(time.Hour), r.ready(1)[0], r.later(time.Millisecond)
	r.must(r.db.ConfigSet(r.ctx, "maxmemory", "1").Err())

	for _, birth := range []task.Birth{{Type: "x", Queue: queue}, {Type: "x", Queue: queue, In: time.Hour}, {Type: "x", Queue: queue, Key: "k"}} {
		got, err := r.log.Enqueue(r.ctx, []task.Birth{birth})
		var full *task.Backpressure
		if !errors.As(err, &full) || full.Reason != "memory" || !errors.Is(err, task.ErrBackpressure) || len(got) != 0 || errors.Is(err, task.ErrUncertain) {
			t.Errorf("enqueue: %v, %v, want %v", got, err, task.ErrBackpressure)
		}
	}
	for i, k := range []task.Kind{task.OutcomeSuccess, task.OutcomeRetry, task.OutcomeSnooze, task.OutcomeDead, task.HandedBack} {
		r.settle(a, k, task.Recorded, ds[i])
	}
	if _, _, err := a.Renew(r.ctx, nil); err != nil {
		t.Errorf("renew: %v", err)
	}
	c := r.join()
	if got := r.reclaim(c, b.Name()); len(got) != len(taken) {
		t.Errorf("reclaimed %d, want %d", len(got), len(taken))
	} else if _, err := c.Charge(r.ctx, []*task.Delivery{&got[0]}); err != nil {
		t.Errorf("charge: %v", err)
	}
	r.release(due)
	for id, want := range map[task.ID]streams.Cancelled{waiting: streams.CancelDone, ready: streams.CancelDone, taken[0].ID: streams.CancelRequested} {
		if got, err := r.log.Cancel(r.ctx, id, by); got != want || err != nil {
			t.Errorf("cancel: %d, %v, want %d", got, err, want)
		}
	}
	r.must(r.log.Requeue(r.ctx, dead[0].ID, by))
	if n, err := r.log.Purge(r.ctx, []task.ID{dead[1].ID}, by); n != 1 || err != nil {
		t.Errorf("purge: %d, %v", n, err)
	}
	r.must(r.log.Pause(r.ctx, queue, by))
	r.must(r.log.Resume(r.ctx, queue, by))
	if _, err := r.log.Trim(r.ctx, queue, 0, "me", streams.Retention{Age: time.Millisecond}); err != nil {
		t.Errorf("trim: %v", err)
	}
	r.must(r.log.SetRetention(r.ctx, queue, streams.Retention{Bytes: 1}, by))
	if _, err := r.log.Hold(r.ctx, "case", queue, streams.HoldFrom{LSN: 1 << 40}, by); err != nil {
		t.Errorf("hold: %v", err)
	}
	r.must(r.log.EndHold(r.ctx, "case", queue, by))
	if floor := r.stats().Floor; floor == 1 {
		t.Error("the trim did not move the floor")
	}
	r.must(a.Leave(r.ctx))
	r.must(r.db.XGroupDestroy(r.ctx, r.k.Tasks, "workers").Err())
	r.stats() // rebuilds it
	r.must(r.db.ConfigSet(r.ctx, "maxmemory", "0").Err())
	r.ready(1)
}
