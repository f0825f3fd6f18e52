package streamstest

import (
	"errors"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

var deadCases = []testCase{
	{"requeue", requeue},
	{"requeue of a task that had waited", requeueWaited},
	{"requeue of what is not dead", requeueNotDead},
	{"cancel after a requeue", requeueCancel},
	{"purge", purge},
	{"purge of many", purgeMany},
	{"purge by age", purgeOld},
	{"list", listDead},
}

// die makes one dead task.
func (w *world) die(s *streams.Session, b task.Birth) task.ID {
	w.Helper()
	id := w.enqueue(b)[0]
	w.settle(s, task.OutcomeDead, task.Recorded, w.fetch(s, 1)...)
	return id
}

// requeue: attempts go on counting, so that (id, attempt) never repeats; the
// retries begin anew behind them.
func requeue(w *world) {
	s := w.join()
	b := birth("again")
	b.Headers, b.Opts = map[string]string{"h": "1"}, task.Opts{Retries: 4, Crashes: 1}
	id := w.die(s, b)
	w.must(w.log.Requeue(w.ctx, id, by))
	w.state(id, task.Ready)
	d := w.fetch(s, 1)[0]
	if d.ID != id || d.Attempt != 2 || d.Opts.Base != 1 || d.Opts.Retries != 4 || d.Opts.Crashes != 0 || d.Headers["h"] != "1" ||
		string(d.Payload) != "again" || d.Starts() != 0 {
		w.Errorf("delivery %+v", d)
	}
	w.settle(s, task.OutcomeDead, task.Recorded, d)
	w.must(w.log.Requeue(w.ctx, id, by))
	d = w.fetch(s, 1)[0]
	if d.Attempt != 3 || d.Opts.Base != 2 {
		w.Errorf("third life: attempt %d, base %d, want 3, 2", d.Attempt, d.Opts.Base)
	}
	w.settle(s, task.OutcomeSuccess, task.Recorded, d)
	w.history(id, task.Born, task.OutcomeDead, task.Requeued, task.Released, task.OutcomeDead, task.Requeued, task.Released, task.OutcomeSuccess)
}

func requeueWaited(w *world) {
	s := w.join()
	id := w.later(time.Millisecond)
	w.release(id)
	w.settle(s, task.OutcomeRetry, task.Recorded, w.fetch(s, 1)...)
	w.release(id)
	w.settle(s, task.OutcomeDead, task.Recorded, w.fetch(s, 1)...)
	w.must(w.log.Requeue(w.ctx, id, by))
	if d := w.fetch(s, 1)[0]; d.Attempt != 3 || d.Opts.Base != 2 || string(d.Payload) != "payload" {
		w.Errorf("delivery %+v", d)
	}
}

func requeueNotDead(w *world) {
	s := w.join()
	ds := w.held(s, 2)
	w.settle(s, task.OutcomeSuccess, task.Recorded, ds[0])
	again := w.die(s, birth("x"))
	w.must(w.log.Requeue(w.ctx, again, by))
	for _, id := range append(w.ready(1), w.later(time.Hour), ds[0].ID, ds[1].ID, again) {
		if err := w.log.Requeue(w.ctx, id, by); !errors.Is(err, task.ErrNotDead) {
			w.Errorf("requeue %s: %v, want %v", id, err, task.ErrNotDead)
		}
	}
}

func requeueCancel(w *world) {
	s := w.join()
	d := w.held(s, 1)[0]
	w.cancel(d.ID, streams.CancelRequested)
	w.settle(s, task.OutcomeDead, task.Recorded, d) // wins over the mark, and takes it along
	w.must(w.log.Requeue(w.ctx, d.ID, by))
	b, err := s.Fetch(w.ctx, 1, time.Second)
	w.must(err)
	if named := w.marked(s, d.ID); len(b.Deliveries) != 1 || len(named) != 0 {
		w.Errorf("fetched %d, renew names %v", len(b.Deliveries), named)
	}
	w.cancel(d.ID, streams.CancelRequested)
	w.settle(s, task.OutcomeCancel, task.Recorded, b.Deliveries...)
}

func purge(w *world) {
	s := w.join()
	dead := w.die(s, birth("x"))
	other := w.ready(1)[0]
	for _, want := range []int{1, 0} {
		n, err := w.log.Purge(w.ctx, []task.ID{dead, other, dead}, by)
		if w.must(err); n != want {
			w.Errorf("purged %d, want %d", n, want)
		}
	}
	w.state(dead, task.Purged)
	w.state(other, task.Ready)
	if err := w.log.Requeue(w.ctx, dead, by); !errors.Is(err, task.ErrNotDead) {
		w.Errorf("requeue of the purged: %v, want %v", err, task.ErrNotDead)
	}
	w.cancel(dead, streams.CancelFinished)
	w.history(dead, task.Born, task.OutcomeDead, task.PurgedDead)
}

func purgeMany(w *world) {
	s := w.join()
	var ids []task.ID
	for range 5 {
		ds := w.held(s, 60)
		w.settle(s, task.OutcomeDead, task.Recorded, ds...)
		for _, d := range ds {
			ids = append(ids, d.ID)
		}
	}
	n, err := w.log.Purge(w.ctx, ids, by)
	if w.must(err); n != len(ids) {
		w.Errorf("purged %d, want %d", n, len(ids))
	}
	for _, i := range []int{0, 255, 256, 299} {
		w.state(ids[i], task.Purged)
	}
}

func purgeOld(w *world) {
	s := w.join()
	old := w.die(s, birth("old"))
	w.until("purged", func() bool {
		_, err := w.log.Trim(w.ctx, queue, 0, "me", streams.Retention{Dead: 5 * time.Millisecond})
		w.must(err)
		return w.stats().Dead == 0
	})
	fresh := w.die(s, birth("fresh"))
	_, err := w.log.Trim(w.ctx, queue, 0, "me", streams.Retention{Dead: time.Hour})
	w.must(err)
	w.state(old, task.Purged)
	w.state(fresh, task.Dead)
	_, err = w.log.Trim(w.ctx, queue, 0, "me", streams.Retention{}) // no retention is the default, not none at all
	w.must(err)
	w.state(fresh, task.Dead)
}

func listDead(w *world) {
	s := w.join()
	const n = 300
	want := map[task.ID]bool{}
	for i := range n / 50 {
		births := make([]task.Birth, 50)
		for j := range births {
			births[j] = birth(fmt.Sprint(i, j))
		}
		for _, id := range w.enqueue(births...) {
			want[id] = true
		}
		w.settle(s, task.OutcomeDead, task.Recorded, w.fetch(s, 50)...)
	}
	r := w.log.Reader()
	for st, err := range r.Dead(w.ctx, streams.Filter{}) {
		if w.must(err); !want[st.ID] || st.State != task.Dead || st.Type != "work" || st.Attempt != 1 {
			w.Errorf("listed %+v", st)
		}
		delete(want, st.ID)
	}
	if len(want) > 0 {
		w.Errorf("%d are not listed", len(want))
	}
	for filter, n := range map[streams.Filter]int{{Queue: queue, Limit: 7}: 7, {Type: "other"}: 0, {Queue: queue, Type: "work", Limit: 280}: 280} {
		for _, err := range r.Dead(w.ctx, filter) {
			w.must(err)
			n--
		}
		if n != 0 {
			w.Errorf("%+v lists %d too few", filter, n)
		}
	}
}
