package archive_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// restored writes the state at an lsn into a namespace of its own.
func (w *world) restored(lsn int64) *streams.Log {
	w.Helper()
	l, err := streams.New(redistest.URL(w.T), streams.Options{Namespace: redistest.Namespace(w.T)})
	w.must(err)
	w.Cleanup(func() { _ = l.Close() })
	w.must(l.Restore(w.Context(), w.past(lsn)))
	return l
}

func (w *world) past(lsn int64) []streams.Past {
	a := w.read()
	bound := task.Position{Ms: math.MaxInt64, LSN: lsn}
	return []streams.Past{{Queue: queue, Number: a.Segments(queue, 0)[0].Number, Entries: a.Past(w.Context(), queue, 0, bound)}}
}

// drain runs all that is ready to its end, and counts how often each task ran.
func (w *world) drain(l *streams.Log) map[task.ID]int {
	w.Helper()
	s, err := l.Join(w.Context(), queue, 0)
	w.must(err)
	runs := map[task.ID]int{}
	end := func(ds []task.Delivery) {
		for len(ds) > 0 {
			n := min(len(ds), streams.MaxSettle)
			out := make([]task.Settlement, n)
			for i := range out {
				runs[ds[i].ID]++
				out[i] = task.Settlement{Delivery: &ds[i], Kind: task.OutcomeSuccess}
			}
			answers, err := s.Settle(w.Context(), out)
			w.must(err)
			for i, a := range answers {
				if a != task.Recorded {
					w.Errorf("settle %s: %c", ds[i].ID, a)
				}
			}
			ds = ds[n:]
		}
	}
	for {
		b, err := s.Fetch(w.Context(), 200, 0)
		w.must(err)
		end(b.Deliveries)
		others, err := s.Observe(w.Context(), true)
		w.must(err)
		took := len(b.Deliveries)
		for name, record := range others {
			for more := true; more; {
				b, more, err = s.Reclaim(w.Context(), name, record)
				w.must(err)
				took += len(b.Deliveries)
				end(b.Deliveries)
			}
		}
		if took == 0 {
			return runs
		}
	}
}

// A queue restored at any moment is the queue of that moment: fsck finds nothing,
// what was open runs once, what had ended does not, and what waits still waits.
func TestRestore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 6 {
		w.work(40)
		w.archive()
	}
	last := w.events(w.read())
	for range 12 {
		lsn := 1 + rand.Int64N(last[len(last)-1].At.LSN)
		want, err := replay.At(t.Context(), w.read(), replay.Moment{LSN: lsn, Queue: queue})
		w.must(err)
		l := w.restored(lsn)
		r, err := replay.Fsck(t.Context(), l.Reader(), l.Reader())
		w.must(err)
		for _, p := range r.Problems {
			t.Errorf("at lsn %d: %s", lsn, p)
		}
		runs := w.drain(l)
		if int64(len(runs)) != want.Queues[0].Ready {
			t.Errorf("at lsn %d: %d tasks ran, %d were open", lsn, len(runs), want.Queues[0].Ready)
		}
		for id, n := range runs {
			if n != 1 {
				t.Errorf("at lsn %d: %s ran %d times", lsn, id, n)
			}
		}
		s, err := l.Reader().Stats(t.Context(), queue)
		w.must(err)
		if s[0].Ready+s[0].Running != 0 || s[0].Waiting != want.Queues[0].Waiting || s[0].Dead != want.Queues[0].Dead {
			t.Errorf("at lsn %d: %+v, want %+v", lsn, s[0], want.Queues[0])
		}
		w.after(l, want)
		if err := l.Restore(t.Context(), w.past(lsn)); !errors.Is(err, streams.ErrNotEmpty) {
			t.Errorf("restored over what was there: %v", err)
		}
	}
}

// What waited for a retry is released with its payload, attempt and options.
func TestRestoreReleases(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.work(0)
	got, err := w.log.Enqueue(t.Context(), []task.Birth{{Type: "work", Queue: queue, Payload: []byte("payload"), Headers: map[string]string{"a": "b"}, Opts: task.Opts{Retries: 7}}})
	w.must(err)
	b, err := w.session.Fetch(t.Context(), 1, 0)
	w.must(err)
	_, err = w.session.Settle(t.Context(), []task.Settlement{{Delivery: &b.Deliveries[0], Kind: task.OutcomeRetry, Delay: 1, Error: "boom"}})
	w.must(err)
	w.archive()
	l := w.restored(math.MaxInt64)
	z, err := l.Waiting(t.Context(), queue, 0)
	w.must(err)
	defer z.Close()
	for n := 0; n == 0; {
		n, _, _, err = z.Release(t.Context(), []task.ID{got[0].ID})
		w.must(err)
	}
	s, err := l.Join(t.Context(), queue, 0)
	w.must(err)
	b, err = s.Fetch(t.Context(), 1, 0)
	w.must(err)
	if d := b.Deliveries[0]; string(d.Payload) != "payload" || d.Attempt != 2 || d.Headers["a"] != "b" || d.Opts.Retries != 7 {
		t.Errorf("delivered %+v", d)
	}
}

// after works with what was restored: cancels what waits and requeues what is dead.
func (w *world) after(l *streams.Log, was *replay.State) {
	w.Helper()
	by := streams.By{Actor: "test", Reason: "restored"}
	waiting, dead := 0, 0
	for _, id := range w.ids {
		st, err := was.Task(w.Context(), id)
		if err != nil {
			continue // not born by then
		}
		switch st.State {
		case task.Waiting:
			if _, err := l.Cancel(w.Context(), id, by); err != nil {
				w.Errorf("cancel %s: %v", id, err)
			}
			waiting++
		case task.Dead:
			if err := l.Requeue(w.Context(), id, by); err != nil {
				w.Errorf("requeue %s: %v", id, err)
			}
			dead++
		}
	}
	if runs := w.drain(l); len(runs) != dead {
		w.Errorf("%d tasks ran after %d requeues", len(runs), dead)
	}
	r, err := replay.Fsck(w.Context(), l.Reader(), l.Reader())
	w.must(err)
	for _, p := range r.Problems {
		w.Errorf("after %d cancels and %d requeues: %s", waiting, dead, p)
	}
}
