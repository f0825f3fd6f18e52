package streamstest

import (
	"errors"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

var trimCases = []testCase{
	{"spares pending", trimPending},
	{"spares undelivered", trimUndelivered},
	{"carries the waiting along", trimWaiting},
	{"waits beyond the floor", trimSettled},
	{"dead outlive the log", trimDead},
	{"status below the floor", trimStatus},
	{"cancel below the floor", trimCancel},
	{"tombstone below the floor", trimTombstone},
	{"nothing to do", trimIdle},
	{"by size", trimBytes},
	{"by the one who holds the role", trimRole},
}

// filler makes history that nobody needs.
func (w *world) filler(n int) {
	w.Helper()
	s := w.join()
	for n > 0 {
		m := min(n, 256)
		w.settle(s, task.OutcomeSuccess, task.Recorded, w.held(s, m)...)
		n -= m
	}
	w.must(s.Leave(w.ctx))
}

// trim cuts everything that was written so far and may go; it returns the floor.
func (w *world) trim() int64 {
	w.Helper()
	start := w.stats().NowMs
	w.until("the log is older than the retention", func() bool { return w.stats().NowMs > start+2 })
	_, err := w.log.Trim(w.ctx, queue, 0, "me", streams.Retention{Age: time.Millisecond})
	w.must(err)
	return w.stats().Floor
}

func trimPending(w *world) {
	s := w.join()
	w.filler(10)
	d := w.held(s, 1)[0]
	w.filler(300)
	if floor := w.trim(); floor != d.Entry.LSN {
		w.Errorf("floor %d, pending since %d", floor, d.Entry.LSN)
	}
	w.settle(s, task.OutcomeRetry, task.Recorded, d)
	if floor := w.trim(); floor <= d.Entry.LSN {
		w.Errorf("floor %d, nothing is pending since %d", floor, d.Entry.LSN)
	}
	w.release(d.ID)
	if again := w.fetch(s, 1)[0]; again.Attempt != 2 || string(again.Payload) != "payload" {
		w.Errorf("second attempt %+v", again)
	}
}

func trimUndelivered(w *world) {
	w.filler(300)
	ids := w.ready(2)
	w.enqueue(birth("a"), birth("b"))
	if floor := w.trim(); floor != ids[0].LSN() {
		w.Errorf("floor %d, undelivered since %d", floor, ids[0].LSN())
	}
	s := w.join()
	w.settle(s, task.OutcomeSuccess, task.Recorded, w.fetch(s, 4)...)
}

// trimWaiting: births go, what a release needs of them stays: for more than a
// page of waiting tasks, of every kind.
func trimWaiting(w *world) {
	s := w.join()
	b := birth("scheduled")
	b.In, b.Headers, b.Opts = time.Millisecond, map[string]string{"h": "1"}, task.Opts{Retries: 9}
	scheduled := w.enqueue(b)[0]
	births := make([]task.Birth, 600)
	for i := range births {
		births[i] = birth("many")
		births[i].In = time.Hour
	}
	many := w.enqueue(births...)
	ds := w.held(s, 2)
	w.answers(s, []task.Settlement{{Delivery: &ds[0], Kind: task.OutcomeRetry, Error: "e"}, {Delivery: &ds[1], Kind: task.OutcomeSnooze}}, task.Recorded)
	w.filler(200)
	if floor := w.trim(); floor <= ds[1].ID.LSN() {
		w.Fatalf("floor %d spares births of waiting tasks", floor)
	}
	for _, id := range []task.ID{scheduled, many[0], many[599], ds[0].ID} {
		if st := w.state(id, task.Waiting); st.Type != "work" || len(st.Payload) == 0 {
			w.Errorf("status %+v", st)
		}
	}
	w.filler(10)
	w.trim() // again, with copies made
	w.release(scheduled, ds[0].ID, ds[1].ID)
	got := map[task.ID]task.Delivery{}
	for _, d := range w.fetch(s, 3) {
		got[d.ID] = d
	}
	if d := got[scheduled]; string(d.Payload) != "scheduled" || d.Headers["h"] != "1" || d.Opts.Retries != 9 || d.Attempt != 1 {
		w.Errorf("scheduled: %+v", d)
	}
	if d := got[ds[0].ID]; string(d.Payload) != "payload" || d.Attempt != 2 {
		w.Errorf("retried: %+v", d)
	}
	if d := got[ds[1].ID]; string(d.Payload) != "payload" || d.Attempt != 1 {
		w.Errorf("snoozed: %+v", d)
	}
}

// trimSettled: a task whose birth is gone already goes on waiting.
func trimSettled(w *world) {
	s := w.join()
	id := w.later(time.Millisecond)
	w.filler(200)
	w.trim()
	for attempt := 1; attempt <= 3; attempt++ {
		w.release(id)
		d := w.fetch(s, 1)[0]
		if d.Attempt != attempt || string(d.Payload) != "payload" {
			w.Fatalf("attempt %d: %+v", attempt, d)
		}
		w.filler(200)
		w.trim()
		w.settle(s, task.OutcomeRetry, task.Recorded, d)
		w.filler(100)
		w.trim()
	}
}

func trimDead(w *world) {
	s := w.join()
	id := w.die(s, keyed("dead"))
	w.filler(300)
	w.trim()
	if st := w.state(id, task.Dead); st.Key != "dead" || st.Error != "boom" || string(st.Payload) != "dead" {
		w.Errorf("status %+v", st)
	}
	w.must(w.log.Requeue(w.ctx, id, by))
	d := w.fetch(s, 1)[0]
	if d.Attempt != 2 || string(d.Payload) != "dead" || d.ID != id {
		w.Errorf("delivery %+v", d)
	}
	w.settle(s, task.OutcomeSuccess, task.Recorded, d)
	w.state(id, task.Succeeded)
}

// trimStatus: what the log still says of a task is found without an index.
func trimStatus(w *world) {
	s := w.join()
	old, id := w.held(s, 1)[0], w.later(time.Millisecond)
	w.settle(s, task.OutcomeSuccess, task.Recorded, old)
	w.filler(300)
	w.trim()
	// Redis removes whole nodes of a stream, so some that may go is still there
	if st, err := w.log.Reader().Status(w.ctx, old.ID); st.State != task.Succeeded && !errors.Is(err, task.ErrNotFound) {
		w.Errorf("status of the trimmed: %+v, %v, want %v", st, err, task.ErrNotFound)
	}
	w.state(id, task.Waiting)
	w.release(id)
	w.state(id, task.Ready)
	d := w.fetch(s, 1)[0]
	if st := w.state(id, task.Running); st.Consumer != s.Name() || st.Deliveries != 1 || string(st.Payload) != "payload" {
		w.Errorf("status %+v", st)
	}
	w.historyEnds(id, task.Released)
	w.settle(s, task.OutcomeSuccess, task.Recorded, d)
	w.state(id, task.Succeeded)
	w.historyEnds(id, task.Released, task.OutcomeSuccess)
}

// historyEnds compares the end of a history of which the beginning may be gone.
func (w *world) historyEnds(id task.ID, want ...task.Kind) {
	w.Helper()
	got := w.kinds(id)
	if d := cmp.Diff(want, got[max(0, len(got)-len(want)):]); d != "" {
		w.Errorf("end of the history (-want +got):\n%s", d)
	}
}

func trimCancel(w *world) {
	s := w.join()
	var ids []task.ID
	for range 5 {
		ids = append(ids, w.later(time.Millisecond))
	}
	old := w.held(s, 1)[0]
	w.settle(s, task.OutcomeSuccess, task.Recorded, old)
	w.filler(300)
	w.trim()
	w.cancel(ids[0], streams.CancelDone) // waiting
	w.release(ids[1])
	w.cancel(ids[1], streams.CancelDone) // ready
	w.settle(s, task.OutcomeCancel, task.Recorded, w.fetch(s, 1)...)
	w.cancel(ids[1], streams.CancelDone)
	w.release(ids[2], ids[3])
	ds := w.fetch(s, 2)
	w.cancel(ds[0].ID, streams.CancelRequested) // running
	w.settle(s, task.OutcomeRetry, task.Recorded, ds[0])
	w.cancel(ds[0].ID, streams.CancelDone)
	w.settle(s, task.OutcomeSuccess, task.Recorded, ds[1])
	w.cancel(ds[1].ID, streams.CancelFinished)
	if c, err := w.log.Cancel(w.ctx, old.ID, by); c != streams.CancelFinished && !errors.Is(err, task.ErrNotFound) {
		w.Errorf("cancel of the trimmed: %d, %v, want %v", c, err, task.ErrNotFound)
	}
}

// trimTombstone: the floor passes the birth of a task that was cancelled before
// its delivery, so that no index tells any more that it has ended.
func trimTombstone(w *world) {
	s := w.join()
	id := w.later(time.Millisecond)
	w.filler(300)
	w.release(id)
	w.cancel(id, streams.CancelDone)
	if floor := w.trim(); floor <= id.LSN() {
		w.Fatalf("floor %d", floor)
	}
	w.cancel(id, streams.CancelDone)
	d := w.fetch(s, 1)[0]
	if named := w.marked(s, id); len(named) != 1 {
		w.Errorf("renew names %v, want %s", named, id)
	}
	w.settle(s, task.OutcomeCancel, task.Recorded, d)
	w.state(id, task.Cancelled)
}

func trimIdle(w *world) {
	w.ready(1)
	w.trim()
	lsn := w.stats().LSN
	for range 3 {
		w.trim()
	}
	if now := w.stats().LSN; now != lsn {
		w.Errorf("%d events about nothing", now-lsn)
	}
}

func trimBytes(w *world) {
	w.filler(300)
	for range 2 {
		_, err := w.log.Trim(w.ctx, queue, 0, "me", streams.Retention{Bytes: 1 << 30})
		w.must(err)
	}
	if floor := w.stats().Floor; floor != 1 {
		w.Errorf("floor %d, want 1: nothing is old or big", floor)
	}
}

func trimRole(w *world) {
	w.filler(300)
	w.trim()
	floor := w.stats().Floor
	w.filler(300)
	if n, err := w.log.Trim(w.ctx, queue, 0, "another", streams.Retention{Age: time.Millisecond}); n != 0 || err != nil {
		w.Errorf("trimmed %d, %v beside the one who does", n, err)
	}
	if now := w.stats().Floor; now != floor {
		w.Errorf("floor moved from %d to %d", floor, now)
	}
}
