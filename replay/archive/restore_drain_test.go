package archive_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// Whatever happened before: a queue restored at a random moment is worked off, what
// waits released as it falls due, and then each task that was open has ended once,
// and no other again.
func TestRestoreDrains(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 5 {
		w.live(150)
		w.archive()
	}
	events := w.events(w.read())
	w.varied(events)
	for range 12 {
		lsn := events[rand.N(len(events))].At.LSN
		fold := task.NewFold()
		for _, e := range events {
			if e.At.LSN <= lsn {
				fold.Add(&e)
			}
		}
		l := w.restored(lsn)
		w.drainAll(l)
		ended := w.endsAfter(l, lsn)
		for id, life := range fold.Tasks {
			want := 0
			if !life.State.Terminal() {
				want = 1
			}
			if ended[id] != want {
				t.Errorf("at lsn %d %s was %s: it ended %d times, want %d", lsn, id, life.State, ended[id], want)
			}
			delete(ended, id)
		}
		for id := range ended {
			t.Errorf("at lsn %d there was no %s", lsn, id)
		}
		r, err := replay.Fsck(t.Context(), l.Reader(), l.Reader())
		w.must(err)
		for _, p := range r.Problems {
			t.Errorf("at lsn %d: %s", lsn, p)
		}
	}
}

// varied sees that the world is one in which much happened.
func (w *world) varied(events []task.Event) {
	w.Helper()
	n := map[task.Kind]int{}
	for _, e := range events {
		n[e.Kind]++
	}
	for _, k := range []task.Kind{
		task.Scheduled, task.Released, task.Reclaimed, task.HandedBack, task.OutcomeSuccess, task.OutcomeRetry, task.OutcomeSnooze,
		task.OutcomeDead, task.OutcomeCancel, task.Requeued,
	} {
		if n[k] < 3 {
			w.Errorf("%s happened %d times", k, n[k])
		}
	}
}

// drainAll runs everything to its end, also what is not due yet.
func (w *world) drainAll(l *streams.Log) {
	w.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		w.release(l)
		w.drain(l)
		s, err := l.Reader().Stats(w.Context(), queue)
		w.must(err)
		if s[0].Ready+s[0].Running+s[0].Waiting == 0 {
			return
		}
		if time.Now().After(end) {
			w.Fatalf("still open: %+v", s[0])
		}
	}
}

// endsAfter counts the ends of each task behind an lsn.
func (w *world) endsAfter(l *streams.Log, lsn int64) map[task.ID]int {
	w.Helper()
	n := map[task.ID]int{}
	for _, e := range w.events(l.Reader()) {
		switch e.Kind {
		case task.OutcomeSuccess, task.OutcomeDead, task.OutcomeCancel, task.OutcomeExpire:
			if e.At.LSN > lsn {
				n[e.Task]++
			}
		}
	}
	return n
}
