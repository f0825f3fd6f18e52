package streamstest

import (
	"errors"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

var cancelCases = []testCase{
	{"waiting", cancelWaiting},
	{"retrying", cancelRetrying},
	{"ready", cancelReady},
	{"ready after a release", cancelReleased},
	{"running", cancelRunning},
	{"running: success and death win", cancelLost},
	{"finished", cancelFinished},
	{"unknown", cancelUnknown},
	{"tombstones are dropped whatever is said of them", cancelTombstone},
	{"a tombstone survives its consumer", cancelTombstoneReclaimed},
	{"mark survives a reclaim", cancelReclaimed},
	{"by nobody", cancelAnonymous},
}

// cancel asks twice: the second changes nothing.
func (w *world) cancel(id task.ID, want streams.Cancelled) {
	w.Helper()
	lsn := int64(-1)
	for range 3 {
		got, err := w.log.Cancel(w.ctx, id, by)
		if w.must(err); got != want {
			w.Fatalf("cancel: %d, want %d", got, want)
		}
		now := w.stats().LSN
		if lsn >= 0 && lsn != now {
			w.Fatal("the second cancel wrote an event")
		}
		lsn = now
	}
}

func (w *world) history(id task.ID, want ...task.Kind) {
	w.Helper()
	if d := cmp.Diff(want, w.kinds(id)); d != "" {
		w.Errorf("history (-want +got):\n%s", d)
	}
}

// marked is what renew says of births.
func (w *world) marked(s *streams.Session, ids ...task.ID) []task.ID {
	w.Helper()
	marks, got, err := s.Renew(w.ctx, ids)
	if w.must(err); len(got) > marks {
		w.Errorf("%d marks, of which %d were asked about", marks, len(got))
	}
	return got
}

func cancelWaiting(w *world) {
	id := w.later(time.Millisecond)
	w.cancel(id, streams.CancelDone)
	st := w.state(id, task.Cancelled)
	if st.Reason != by.Reason {
		w.Errorf("reason %q, want %q", st.Reason, by.Reason)
	}
	w.release(id)
	w.nothing(w.join())
	w.history(id, task.Scheduled, task.OutcomeCancel)
}

func cancelRetrying(w *world) {
	s := w.join()
	d := w.held(s, 1)[0]
	w.settle(s, task.OutcomeRetry, task.Recorded, d)
	w.cancel(d.ID, streams.CancelDone)
	w.release(d.ID)
	w.nothing(s)
	w.history(d.ID, task.Born, task.OutcomeRetry, task.OutcomeCancel)
}

// cancelReady: it ends at once, and its entry is never delivered as something
// to start: renew names it.
func cancelReady(w *world) {
	ids := w.ready(3)
	w.cancel(ids[1], streams.CancelDone)
	w.state(ids[1], task.Cancelled)
	if n := w.stats(); n.Ready != 2 {
		w.Errorf("ready %d, want 2", n.Ready)
	}
	s := w.join()
	b, err := s.Fetch(w.ctx, 10, time.Second)
	if w.must(err); len(b.Deliveries) != 3 || b.Marks != 1 {
		w.Fatalf("fetched %d with %d marks, want 3 with 1", len(b.Deliveries), b.Marks)
	}
	if got := w.marked(s, ids...); len(got) != 1 || got[0] != ids[1] {
		w.Fatalf("renew names %v, want %s", got, ids[1])
	}
	w.settle(s, task.OutcomeCancel, task.Recorded, b.Deliveries[1])
	w.history(ids[1], task.Born, task.OutcomeCancel)
	if n := w.stats(); n.Marks != 0 || n.Running != 2 {
		w.Errorf("marks %d, running %d, want 0 and 2", n.Marks, n.Running)
	}
	w.cancel(ids[1], streams.CancelDone)
}

func cancelReleased(w *world) {
	id := w.later(time.Millisecond)
	w.release(id)
	w.cancel(id, streams.CancelDone)
	s := w.join()
	d := w.fetch(s, 1)[0]
	if got := w.marked(s, id); len(got) != 1 {
		w.Errorf("renew names %v, want %s", got, id)
	}
	w.settle(s, task.OutcomeCancel, task.Recorded, d)
	w.history(id, task.Scheduled, task.Released, task.OutcomeCancel)
}

func cancelRunning(w *world) {
	s := w.join()
	for _, k := range []task.Kind{task.OutcomeCancel, task.OutcomeRetry, task.OutcomeSnooze, task.HandedBack} {
		d := w.held(s, 1)[0]
		w.cancel(d.ID, streams.CancelRequested)
		if st := w.state(d.ID, task.Running); !st.Cancelling {
			w.Error("the status does not say that it is being cancelled")
		}
		if got := w.marked(s, d.ID); len(got) != 1 {
			w.Errorf("renew names %v, want %s", got, d.ID)
		}
		w.settle(s, k, task.Recorded, d)
		w.state(d.ID, task.Cancelled)
		w.history(d.ID, task.Born, task.CancelRequested, task.OutcomeCancel)
		w.cancel(d.ID, streams.CancelDone)
	}
	if n := w.stats().Marks; n != 0 {
		w.Errorf("%d marks are left", n)
	}
}

func cancelLost(w *world) {
	s := w.join()
	for k, want := range map[task.Kind]task.State{task.OutcomeSuccess: task.Succeeded, task.OutcomeDead: task.Dead, task.OutcomeExpire: task.Expired} {
		d := w.held(s, 1)[0]
		w.cancel(d.ID, streams.CancelRequested)
		w.settle(s, k, task.Recorded, d)
		w.state(d.ID, want)
		w.cancel(d.ID, streams.CancelFinished)
	}
	if n := w.stats().Marks; n != 0 {
		w.Errorf("%d marks are left", n)
	}
}

func cancelFinished(w *world) {
	s := w.join()
	ds := w.held(s, 2)
	w.settle(s, task.OutcomeSuccess, task.Recorded, ds[0])
	w.settle(s, task.OutcomeExpire, task.Recorded, ds[1])
	w.cancel(ds[0].ID, streams.CancelFinished)
	w.cancel(ds[1].ID, streams.CancelFinished)
}

func cancelUnknown(w *world) {
	id := w.ready(1)[0]
	unknown := []task.ID{
		task.NewID(id.Partition(), 1, task.Position{Ms: id.Birth().Ms, LSN: id.LSN() + 5}), // not yet
		task.NewID(id.Partition(), 1, task.Position{Ms: id.Birth().Ms + 1, LSN: id.LSN()}), // another moment
		task.NewID(id.Partition()+1, 1, id.Birth()),                                        // no such partition
	}
	for _, id := range unknown {
		if _, err := w.log.Cancel(w.ctx, id, by); !errors.Is(err, task.ErrNotFound) {
			w.Errorf("got %v, want %v", err, task.ErrNotFound)
		}
	}
}

// cancelTombstone: no second terminal event, even from a node that did not ask.
func cancelTombstone(w *world) {
	s := w.join()
	kinds := []task.Kind{task.OutcomeSuccess, task.OutcomeRetry, task.OutcomeSnooze, task.OutcomeDead, task.HandedBack, task.OutcomeExpire}
	for _, k := range kinds {
		id := w.ready(1)[0]
		w.cancel(id, streams.CancelDone)
		w.settle(s, k, task.Recorded, w.fetch(s, 1)...)
		w.state(id, task.Cancelled)
		w.history(id, task.Born, task.OutcomeCancel)
	}
	w.nothing(s)
	if n := w.stats(); n.Marks != 0 || n.Ready != 0 || n.Dead != 0 || n.Waiting != 0 {
		w.Errorf("left over: %+v", n)
	}
}

func cancelTombstoneReclaimed(w *world) {
	a, b := w.join(), w.join()
	id := w.ready(1)[0]
	w.cancel(id, streams.CancelDone)
	w.fetch(a, 1)
	got := w.reclaim(b, a.Name())
	if named := w.marked(b, id); len(named) != 1 {
		w.Errorf("renew names %v, want %s", named, id)
	}
	w.settle(b, task.OutcomeCancel, task.Recorded, got...)
	w.state(id, task.Cancelled)
}

func cancelReclaimed(w *world) {
	a, b := w.join(), w.join()
	d := w.held(a, 1)[0]
	w.cancel(d.ID, streams.CancelRequested)
	got := w.reclaim(b, a.Name())
	if named := w.marked(b, d.ID); len(named) != 1 {
		w.Errorf("renew names %v, want %s", named, d.ID)
	}
	w.settle(b, task.HandedBack, task.Recorded, got...)
	w.state(d.ID, task.Cancelled)
}

func cancelAnonymous(w *world) {
	id := w.ready(1)[0]
	for _, by := range []streams.By{{}, {Actor: "a"}, {Reason: "r"}} {
		if _, err := w.log.Cancel(w.ctx, id, by); !errors.Is(err, task.ErrInvalidOption) {
			w.Errorf("got %v, want %v", err, task.ErrInvalidOption)
		}
	}
	w.state(id, task.Ready)
}
