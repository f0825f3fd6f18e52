package streamstest

import (
	"errors"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

var statusCases = []testCase{
	{"of each state", statusStates},
	{"of a reclaimed task", statusReclaimed},
	{"of a handed back, reclaimed task", statusBack},
	{"unknown", statusUnknown},
	{"list waiting", listWaiting},
	{"list running", listRunning},
}

func statusStates(w *world) {
	s := w.join()
	b := keyed("key")
	b.In = time.Hour
	waiting := w.enqueue(b)[0]
	st := w.state(waiting, task.Waiting)
	want := task.Status{
		ID: waiting, State: task.Waiting, Queue: queue, Type: "work", Attempt: 1, EnqueuedAt: waiting.Time(), ChangedAt: waiting.Time(),
		DueAt: waiting.Time().Add(time.Hour), Payload: []byte("key"), Key: "key", LSN: waiting.LSN(),
	}
	if d := cmp.Diff(want, st); d != "" {
		w.Errorf("waiting (-want +got):\n%s", d)
	}
	id := w.ready(1)[0]
	st = w.state(id, task.Ready)
	want = task.Status{ID: id, State: task.Ready, Queue: queue, Type: "work", Attempt: 1, EnqueuedAt: id.Time(), ChangedAt: id.Time(), Payload: []byte("payload"), LSN: id.LSN()}
	if d := cmp.Diff(want, st); d != "" {
		w.Errorf("ready (-want +got):\n%s", d)
	}
	d := w.fetch(s, 1)[0]
	want.State, want.Consumer, want.Deliveries = task.Running, s.Name(), 1
	st = w.state(id, task.Running)
	want.HeldFor = st.HeldFor
	if d := cmp.Diff(want, st); d != "" {
		w.Errorf("running (-want +got):\n%s", d)
	}
	w.settle(s, task.OutcomeRetry, task.Recorded, d)
	w.release(id)
	if st = w.state(id, task.Ready); st.Attempt != 2 {
		w.Errorf("released: attempt %d, want 2", st.Attempt)
	}
	w.settle(s, task.OutcomeSuccess, task.Recorded, w.fetch(s, 1)...)
	if st = w.state(id, task.Succeeded); st.Attempt != 2 || st.Error != "" || st.ChangedAt.Before(st.EnqueuedAt) {
		w.Errorf("succeeded: %+v", st)
	}
}

func statusReclaimed(w *world) {
	a, b := w.join(), w.join()
	d := w.held(a, 1)[0]
	got := w.reclaim(b, a.Name())
	if st := w.state(d.ID, task.Running); st.Consumer != b.Name() || st.Deliveries != 2 {
		w.Errorf("status %+v", st)
	}
	w.history(d.ID, task.Born, task.Reclaimed)
	w.settle(b, task.OutcomeRetry, task.Recorded, got...)
	w.release(d.ID)
	w.held(b, 3) // of which the first is the one
	c := w.join()
	w.reclaim(c, b.Name())
	w.history(d.ID, task.Born, task.Reclaimed, task.OutcomeRetry, task.Released, task.Reclaimed)
	events, err := w.log.Reader().History(w.ctx, d.ID)
	w.must(err)
	if e := events[1]; e.Consumer != a.Name() || e.Actor != b.Name() || e.Crashes != 1 || e.Prev != d.Entry {
		w.Errorf("reclaimed: %+v", e)
	}
}

func statusBack(w *world) {
	a, b := w.join(), w.join()
	d := w.held(a, 1)[0]
	w.settle(b, task.HandedBack, task.Recorded, w.reclaim(b, a.Name())...)
	w.state(d.ID, task.Ready)
	w.history(d.ID, task.Born, task.Reclaimed, task.HandedBack)
}

func statusUnknown(w *world) {
	id := w.ready(1)[0]
	for _, id := range []task.ID{task.NewID(id.Partition(), 1, id.Birth().Next()), task.NewID(id.Partition()+9, 1, id.Birth())} {
		if _, err := w.log.Reader().Status(w.ctx, id); !errors.Is(err, task.ErrNotFound) {
			w.Errorf("status: %v, want %v", err, task.ErrNotFound)
		}
		if _, err := w.log.Reader().History(w.ctx, id); !errors.Is(err, task.ErrNotFound) {
			w.Errorf("history: %v, want %v", err, task.ErrNotFound)
		}
	}
}

func listWaiting(w *world) {
	second, first := w.later(2*time.Hour), w.later(time.Hour)
	var got []task.ID
	for st, err := range w.log.Reader().Waiting(w.ctx, streams.Filter{Queue: queue}) {
		if w.must(err); st.State != task.Waiting || st.DueAt.IsZero() || string(st.Payload) != "payload" {
			w.Errorf("listed %+v", st)
		}
		got = append(got, st.ID)
	}
	if d := cmp.Diff([]task.ID{first, second}, got); d != "" {
		w.Errorf("waiting (-want +got):\n%s", d)
	}
}

func listRunning(w *world) {
	a, b := w.join(), w.join()
	const n = 300
	w.held(a, n)
	mine := w.held(b, 2)
	w.ready(3)
	i := 0
	for st, err := range w.log.Reader().Running(w.ctx, streams.Filter{}) {
		if w.must(err); st.State != task.Running || st.Deliveries != 1 || st.Type != "work" {
			w.Errorf("listed %+v", st)
		}
		if j := i - n; j >= 0 && (st.ID != mine[j].ID || st.Consumer != b.Name()) {
			w.Errorf("%d: %+v, want %s", i, st, mine[j].ID)
		}
		i++
	}
	if i != n+2 {
		w.Errorf("listed %d, want %d", i, n+2)
	}
}
