package streams_test

import (
	"testing"
	"time"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// An entry that vanishes from under its consumer is told lost, not forgotten.
func TestEntryLostUnderDelivery(t *testing.T) {
	r := onReal(t) // the test leaves gaps in the log, so the invariants cannot be checked
	a, b := r.join(), r.join()
	ds := r.held(a, 3)
	r.must(r.db.XDel(r.ctx, r.k.Tasks, ds[1].Entry.String()).Err())
	if got := r.reclaim(b, a.Name()); len(got) != 2 {
		t.Errorf("took %d, want 2", len(got))
	}
	var lost []task.Position
	for _, e := range r.events() {
		if e.Kind == task.EntryLost {
			lost = append(lost, e.Prev)
		}
	}
	if len(lost) != 1 || lost[0] != ds[1].Entry {
		t.Errorf("lost %v, want %s", lost, ds[1].Entry)
	}
	n, err := r.db.XPending(r.ctx, r.k.Tasks, "workers").Result()
	r.must(err)
	if n.Count != 2 {
		t.Errorf("%d pending, want 2", n.Count)
	}
}

// The payload of a delivery vanishes before its outcome is recorded: what needs
// it is dead, what does not is not.
func TestEntryLostBeforeOutcome(t *testing.T) {
	r := onReal(t) // the test leaves gaps in the log, so the invariants cannot be checked
	s := r.join()
	ds := r.held(s, 3)
	for _, d := range ds {
		r.must(r.db.XDel(r.ctx, r.k.Tasks, d.Entry.String()).Err())
	}
	r.settle(s, task.OutcomeSuccess, task.Recorded, ds[0])
	r.settle(s, task.OutcomeRetry, task.Recorded, ds[1])
	r.settle(s, task.HandedBack, task.Recorded, ds[2])
	for _, d := range ds[1:] {
		for st, err := range r.log.Reader().Dead(r.ctx, streams.Filter{}) {
			if r.must(err); st.ID == d.ID && st.Reason != "payload_lost" {
				t.Errorf("reason %q", st.Reason)
			}
		}
		if err := r.log.Requeue(r.ctx, d.ID, by); err == nil {
			t.Error("requeued without a payload")
		}
	}
	if n := r.stats(); n.Dead != 2 || n.Succeeded != 1 || n.Ready != 0 {
		t.Errorf("stats %+v", n)
	}
	if n, err := r.log.Purge(r.ctx, []task.ID{ds[1].ID, ds[2].ID}, by); n != 2 || err != nil {
		t.Errorf("purged %d, %v", n, err)
	}
}

// The birth of a waiting task vanishes: falling due it is lost, its neighbours are
// not, also where a stranger stands between them, and what can follow is what the law
// says.
func TestEntryLostBeforeRelease(t *testing.T) {
	onBoth(t, func(r *rig) {
		ids := []task.ID{r.later(time.Millisecond), r.later(time.Millisecond)}
		r.stranger(r.k.Events, "*")
		ids = append(ids, r.later(time.Millisecond), r.later(time.Millisecond))
		r.must(r.db.XDel(r.ctx, r.k.Events, ids[0].Birth().String()).Err())
		z, err := r.log.Waiting(r.ctx, queue, 0)
		r.must(err)
		defer z.Close()
		released := 0
		r.until("released", func() bool {
			n, _, _, err := z.Release(r.ctx, ids)
			r.must(err)
			released += n
			return released == 3
		})
		st, err := r.log.Reader().Status(r.ctx, ids[0])
		if err != nil || st.State != task.Lost {
			t.Errorf("status %s, %v, want %s", st.State, err, task.Lost)
		}
		lsn := r.stats().LSN
		if c, err := r.log.Cancel(r.ctx, ids[0], by); c != streams.CancelFinished || err != nil {
			t.Errorf("cancel: %d, %v", c, err)
		}
		if n, _, _, err := z.Release(r.ctx, ids); n != 0 || err != nil {
			t.Errorf("released %d again, %v", n, err)
		}
		if err := r.log.Requeue(r.ctx, ids[0], by); err == nil {
			t.Error("requeued what is lost")
		}
		if now := r.stats().LSN; now != lsn {
			t.Errorf("%d events about a lost task", now-lsn)
		}
		s := r.join()
		ds := r.fetch(s, 3)
		for i, d := range ds {
			if d.ID != ids[i+1] || string(d.Payload) != "payload" {
				t.Errorf("delivery %d: %s %q, want %s", i, d.ID, d.Payload, ids[i+1])
			}
		}
		d := ds[0]
		d.ID = ids[0]
		r.settle(s, task.StaleOutcome, task.Recorded, d)
	})
}
