package streams_test

import (
	"errors"
	"testing"

	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// onReal runs a test on the shared real server.
func onReal(t *testing.T) *rig {
	t.Helper()
	t.Parallel()
	return newRig(t, redistest.URL(t), streams.Options{})
}

// worked is a partition with a task in every state, and who knows which.
type worked struct {
	s                                         *streams.Session
	done, running, ready, waiting, dead, gone task.ID
	delivery                                  task.Delivery // of running
}

func (r *rig) work() worked {
	r.Helper()
	w := worked{s: r.join()}
	ds := r.held(w.s, 4)
	r.settle(w.s, task.OutcomeSuccess, task.Recorded, ds[0])
	r.settle(w.s, task.OutcomeDead, task.Recorded, ds[1])
	r.settle(w.s, task.OutcomeCancel, task.Recorded, ds[2])
	w.done, w.dead, w.gone, w.running, w.delivery = ds[0].ID, ds[1].ID, ds[2].ID, ds[3].ID, ds[3]
	w.ready, w.waiting = r.ready(1)[0], r.later(1e12)
	return w
}

// drain takes over what is left and runs everything to its end; it returns how
// often each task was delivered.
func (r *rig) drain() map[task.ID]int {
	r.Helper()
	s := r.join()
	n := map[task.ID]int{}
	end := func(ds []task.Delivery) {
		for _, d := range ds {
			n[d.ID]++
		}
		r.settle(s, task.OutcomeSuccess, task.Recorded, ds...)
	}
	all, err := s.Observe(r.ctx, true)
	r.must(err)
	for name := range all {
		end(r.reclaim(s, name))
	}
	for {
		b, err := s.Fetch(r.ctx, 100, 0)
		r.must(err)
		if len(b.Deliveries) == 0 {
			return n
		}
		end(b.Deliveries)
	}
}

// wantRun compares which tasks ran with what had not ended before.
func (r *rig) wantRun(got map[task.ID]int, want ...task.ID) {
	r.Helper()
	for _, id := range want {
		if got[id] != 1 {
			r.Errorf("%s was delivered %d times, want once", id, got[id])
		}
		delete(got, id)
	}
	for id, n := range got {
		r.Errorf("%s had ended and was delivered %d times more", id, n)
	}
}

// A lost group is rebuilt from the log: what had ended does not run again, what
// had not does, and whoever held a delivery is asked whether it still does.
func TestGroupDestroyed(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.checked()
		w := r.work()
		r.must(r.db.XGroupDestroy(r.ctx, r.k.Tasks, "workers").Err())
		later := r.ready(1)[0] // enqueueing needs no group
		r.settle(w.s, task.OutcomeSuccess, task.Taken, w.delivery)
		r.wantRun(r.drain(), w.running, w.ready, later)
		if n := r.count(task.Recovered); n != 1 {
			r.Errorf("recovered %d times, want once", n)
		}
		r.state(w.waiting, task.Waiting)
		r.state(w.dead, task.Dead)
	})
}

// The same, found by each call that can be the first to notice.
func TestGroupDestroyedIsNoticed(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.checked()
		w := r.work()
		other := r.join()
		notice := map[string]func() error{
			"fetch": func() error { w.s.Fetch(r.ctx, 0+1, 0); return nil }, // fails once, having mended
			"settle": func() error {
				_, err := w.s.Settle(r.ctx, outcomes(task.OutcomeRetry, []task.Delivery{w.delivery}))
				return err
			},
			"charge":  func() error { d := w.delivery; _, err := w.s.Charge(r.ctx, []*task.Delivery{&d}); return err },
			"reclaim": func() error { _, _, err := other.Reclaim(r.ctx, "nobody", ""); return err },
			"leave":   func() error { return r.join().Leave(r.ctx) },
			"cancel":  func() error { _, err := r.log.Cancel(r.ctx, r.ready(1)[0], by); return err },
			"trim":    func() error { _, err := r.log.Trim(r.ctx, queue, 0, "me", streams.Retention{}); return err },
			"status":  func() error { _, err := r.log.Reader().Status(r.ctx, w.running); return err },
			"stats":   func() error { _, err := r.log.Reader().Stats(r.ctx, queue); return err },
			"sweep":   func() error { w.s.Sweep(r.ctx, func(task.Position) bool { return true }); return nil },
		}
		for name, call := range notice {
			n := r.count(task.Recovered)
			r.must(r.db.XGroupDestroy(r.ctx, r.k.Tasks, "workers").Err())
			if err := call(); err != nil {
				r.Errorf("%s: %v", name, err)
			}
			if r.count(task.Recovered) != n+1 {
				r.Errorf("%s did not rebuild the group", name)
				r.must(r.log.Pause(r.ctx, queue, by)) // nothing: go on with the next
			}
		}
	})
}

// The group is lost, rebuilt, and another consumer was given what the first still
// runs: the first may not settle it any more, though nobody fenced it.
func TestGroupDestroyedKeepsTheFence(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.checked()
		a, b := r.join(), r.join()
		d := r.held(a, 1)[0]
		r.must(r.db.XGroupDestroy(r.ctx, r.k.Tasks, "workers").Err())
		r.stats()
		got := r.reclaim(b, "recover")
		if len(got) != 1 || got[0].ID != d.ID {
			r.Fatalf("took %v, want %s", got, d.ID)
		}
		r.settle(a, task.OutcomeSuccess, task.Taken, d)
		held, err := a.Charge(r.ctx, []*task.Delivery{&d})
		if r.must(err); held[0] {
			r.Error("charged by one that does not hold it")
		}
		r.settle(b, task.OutcomeSuccess, task.Recorded, got...)
		next := r.held(a, 1) // it is no outcast: what it is given from now on is its own
		r.settle(a, task.OutcomeSuccess, task.Recorded, next...)
	})
}

// More open entries than a page, a log that grows meanwhile, and a node that
// dies in the middle.
func TestGroupDestroyedWithManyOpen(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.checked()
		s := r.join()
		held := r.held(s, 400)
		r.settle(s, task.OutcomeSuccess, task.Recorded, held[100:300]...)
		want := map[task.ID]bool{}
		for _, d := range append(held[:100:100], held[300:]...) {
			want[d.ID] = true
		}
		for _, id := range r.ready(300) {
			want[id] = true
		}
		r.must(r.db.XGroupDestroy(r.ctx, r.k.Tasks, "workers").Err())
		// a recoverer that died after its first page
		last, err := r.db.XRevRangeN(r.ctx, r.k.Tasks, "+", "-", 1).Result()
		r.must(err)
		token, err := r.db.HGet(r.ctx, r.k.Meta, "token").Result()
		r.must(err)
		page := func(d task.Delivery, token any, gone int) []any {
			at := d.Entry
			v, err := r.db.Eval(r.ctx, streams.ScriptSource("recover"), []string{r.k.Meta, r.k.Tasks, r.k.Events, r.k.Chunk(1)},
				token, last[0].ID, 0, gone, at.String(), at.LSN, at.LSN, 4).Slice()
			r.must(err)
			return v
		}
		first := page(held[0], token, 1)
		// and one that goes on with its pages after the group was lost again
		r.must(r.db.XGroupDestroy(r.ctx, r.k.Tasks, "workers").Err())
		if v := page(held[1], first[1], 0); v[0] != "AGAIN" {
			r.Fatalf("a later page made the group: %v", v)
		}
		want2 := r.ready(10) // the log has moved on
		if _, err := r.log.Reader().Stats(r.ctx, queue); err != nil {
			r.Error(err)
		}
		got := r.drain()
		for id := range want {
			want2 = append(want2, id)
		}
		r.wantRun(got, want2...)
	})
}

// The meta hash is lost: clock and token are made anew beyond everything that
// the streams hold, and nothing that ended runs again.
func TestMetaDeleted(t *testing.T) {
	onBoth(t, func(r *rig) {
		w := r.work()
		r.must(r.db.Del(r.ctx, r.k.Meta).Err())
		r.settle(w.s, task.OutcomeSuccess, task.Recorded, w.delivery) // strict, and still its own
		r.state(w.running, task.Succeeded)
		r.state(w.ready, task.Ready)
		r.state(w.waiting, task.Waiting)
		r.state(w.dead, task.Dead)
		r.state(w.done, task.Succeeded)
		r.wantRun(r.drain(), w.ready)
		if c, err := r.log.Cancel(r.ctx, w.waiting, by); c != streams.CancelDone || err != nil {
			r.Errorf("cancel: %d, %v", c, err)
		}
		r.must(r.log.Requeue(r.ctx, w.dead, by))
		r.wantRun(r.drain(), w.dead)
		r.dense()
	})
}

// The meta hash and the group are lost together: the streams are all there is.
func TestMetaAndGroupDeleted(t *testing.T) {
	onBoth(t, func(r *rig) {
		w := r.work()
		r.must(r.db.XGroupDestroy(r.ctx, r.k.Tasks, "workers").Err())
		r.must(r.db.Del(r.ctx, r.k.Meta).Err())
		r.wantRun(r.drain(), w.running, w.ready)
		r.dense()
	})
}

// All records of consumers are lost: all are fenced, and what they held is
// taken over.
func TestMembersDeleted(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.checked()
		w := r.work()
		r.must(r.db.Del(r.ctx, r.k.Members).Err())
		if _, err := w.s.Settle(r.ctx, outcomes(task.OutcomeSuccess, []task.Delivery{w.delivery})); !errors.Is(err, task.ErrFenced) {
			r.Errorf("settle: %v, want %v", err, task.ErrFenced)
		}
		r.wantRun(r.drain(), w.running, w.ready)
	})
}

// dense checks the sequence of the log alone, where the rest was damaged.
func (r *rig) dense() {
	r.Helper()
	f := task.NewFold()
	f.Partial = true
	for _, e := range r.events() {
		f.Add(&e)
	}
	for _, v := range f.Violations {
		r.Error(v)
	}
}
