package streamstest

import (
	"errors"
	"time"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

var pressureCases = []testCase{
	{"the archive stands still", pressureArchive},
	{"without an archive", pressureWithout},
	{"a backlog, and an archive that has it", pressureBacklog},
	{"an archive that is given up", pressureForgotten},
}

// tight trims to next to nothing.
func (w *world) tight() {
	w.Helper()
	_, err := w.log.Trim(w.ctx, queue, 0, "me", streams.Retention{Bytes: 1})
	w.must(err)
}

// archived moves the archive's cursor; the zero position takes it away.
func (w *world) archived(at task.Position) {
	w.Helper()
	feed, err := w.log.Reader().Feed(w.ctx, queue, 0)
	w.must(err)
	w.must(feed.Spare(w.ctx, "archive", at))
}

// end is where an archive stands that has all.
func (w *world) end() task.Position {
	w.Helper()
	all := w.events()
	return all[len(all)-1].At.Next()
}

func (w *world) full() string {
	w.Helper()
	why, err := w.log.Reader().Full(w.ctx, queue)
	w.must(err)
	return why
}

// refused enqueues a task of each kind in vain.
func (w *world) refused() {
	w.Helper()
	lsn := w.stats().LSN
	delayed, keyed := birth("no"), birth("no")
	delayed.In, keyed.Key = time.Hour, "k"
	for _, b := range []task.Birth{birth("no"), delayed, keyed} {
		var full *task.Backpressure
		got, err := w.log.Enqueue(w.ctx, []task.Birth{b})
		if !errors.As(err, &full) || full.Reason != "archive" || len(got) != 0 || errors.Is(err, task.ErrUncertain) {
			w.Errorf("enqueue: %v, %v, want back-pressure of the archive", got, err)
		}
	}
	if now := w.stats().LSN; now != lsn {
		w.Errorf("%d entries by what was refused", now-lsn)
	}
}

// fill makes the partition full: the archive stands at the log's beginning.
func (w *world) fill() task.Position {
	w.Helper()
	w.filler(300)
	at := w.events()[20].At
	w.archived(at)
	w.until("full", func() bool { w.tight(); return w.full() != "" })
	return at
}

// pressureArchive: births are refused and all else goes on, nothing is lost, and
// when the archive comes on births go on.
func pressureArchive(w *world) {
	s := w.join()
	dead, waiting, ds := w.die(s, birth("dead")), w.later(time.Millisecond), w.held(s, 5)
	ready := w.ready(2)
	w.archived(task.Position{Ms: 1, LSN: 1})
	w.until("full", func() bool { w.tight(); return w.full() == "archive" })
	w.refused()
	for i, k := range []task.Kind{task.OutcomeSuccess, task.OutcomeRetry, task.OutcomeSnooze, task.OutcomeDead, task.HandedBack} {
		w.settle(s, k, task.Recorded, ds[i])
	}
	w.release(waiting)
	w.must(w.log.Requeue(w.ctx, dead, by))
	w.cancel(ready[0], streams.CancelDone)
	rest := w.fetch(s, 5) // one of them cancelled
	for _, d := range rest {
		if d.ID == ready[0] {
			w.settle(s, task.OutcomeCancel, task.Recorded, d)
		} else {
			w.settle(s, task.OutcomeSuccess, task.Recorded, d)
		}
	}
	w.tight()
	w.refused()
	if floor := w.stats().Floor; floor != 1 {
		w.Errorf("floor %d: what is not archived is trimmed", floor)
	}
	w.archived(w.end())
	w.tight()
	if why := w.full(); why != "" {
		w.Errorf("full (%s), and the archive has come on", why)
	}
	w.settle(s, task.OutcomeSuccess, task.Recorded, w.held(s, 3)...)
}

func pressureWithout(w *world) {
	s := w.join()
	w.held(s, 1) // in the way of trim
	w.filler(300)
	w.hold("case", streams.HoldFrom{LSN: 1})
	for range 3 {
		w.tight()
		w.ready(1)
	}
	if why := w.full(); why != "" {
		w.Errorf("full (%s) without an archive", why)
	}
}

func pressureBacklog(w *world) {
	w.ready(300)
	w.archived(w.end())
	start := w.stats().NowMs
	w.until("old", func() bool { return w.stats().NowMs > start+5 })
	w.tight()
	if why := w.full(); why != "" {
		w.Errorf("full (%s), and all is archived", why)
	}
	w.ready(1)
}

func pressureForgotten(w *world) {
	w.fill()
	w.refused()
	if spared, err := w.log.ForgetArchive(w.ctx, queue, by); !spared || err != nil {
		w.Fatalf("forgot %t, %v", spared, err)
	}
	w.tight()
	w.ready(1)
}
