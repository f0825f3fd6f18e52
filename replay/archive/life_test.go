package archive_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

var by = streams.By{Actor: "tester", Reason: "because"}

// live lets happen, so many times, one of the things that can happen to a task.
// Delays are so short that what waits falls due on the way.
func (w *world) live(steps int) {
	w.Helper()
	for range steps {
		w.step()
	}
}

func (w *world) step() {
	w.Helper()
	if len(w.ids) == 0 {
		w.ids = w.enqueue(w.log, 5)
	}
	id := w.ids[rand.N(len(w.ids))]
	switch rand.N(12) {
	case 0, 1:
		w.ids = append(w.ids, w.enqueue(w.log, 1+rand.N(6))...)
	case 2, 3, 4:
		b, err := w.session.Fetch(w.Context(), 5, 0)
		w.must(err)
		w.open = append(w.open, b.Deliveries...)
	case 5, 6, 7:
		w.settle()
	case 8:
		w.release(w.log)
	case 9:
		_, err := w.log.Cancel(w.Context(), id, by)
		w.must(err)
	case 10:
		_ = w.log.Requeue(w.Context(), id, by) // most are not dead
	case 11:
		w.takeover()
	}
}

// enqueue makes n tasks, a third of them for later.
func (w *world) enqueue(l *streams.Log, n int) (ids []task.ID) {
	w.Helper()
	births := make([]task.Birth, n)
	for i := range births {
		births[i] = task.Birth{Type: task.Type(fmt.Sprintf("type%d", i%3)), Queue: queue, Payload: fmt.Appendf(nil, "secret %d", rand.N(1000))}
		if rand.N(3) == 0 {
			births[i].In = time.Duration(1+rand.N(20)) * time.Millisecond
		}
	}
	got, err := l.Enqueue(w.Context(), births)
	w.must(err)
	for _, e := range got {
		ids = append(ids, e.ID)
	}
	return ids
}

// settle gives what is held all kinds of outcomes.
func (w *world) settle() {
	w.Helper()
	kinds := []task.Kind{task.OutcomeSuccess, task.OutcomeSuccess, task.OutcomeRetry, task.OutcomeRetry, task.OutcomeSnooze, task.OutcomeDead, task.HandedBack}
	n := min(len(w.open), 50)
	out := make([]task.Settlement, n)
	for i := range out {
		out[i] = task.Settlement{
			Delivery: &w.open[i], Kind: kinds[rand.N(len(kinds))], Delay: time.Duration(1+rand.N(20)) * time.Millisecond,
			Error: "boom", Reason: "buried", Ran: time.Millisecond,
		}
	}
	if n == 0 {
		return
	}
	_, err := w.session.Settle(w.Context(), out)
	w.must(err)
	w.open = w.open[n:]
}

// release lets go what is due, and tells how much.
func (w *world) release(l *streams.Log) (released int) {
	w.Helper()
	z, err := l.Waiting(w.Context(), queue, 0)
	w.must(err)
	defer z.Close()
	dues, now, err := z.Upcoming(w.Context(), 100)
	w.must(err)
	var ids []task.ID
	for _, d := range dues {
		if d.Ms <= now {
			ids = append(ids, d.ID)
		}
	}
	if len(ids) > 0 {
		released, _, _, err = z.Release(w.Context(), ids)
		w.must(err)
	}
	return released
}

// takeover lets another consumer take what the present one holds.
func (w *world) takeover() {
	w.Helper()
	victim := w.session.Name()
	w.session.Interrupt()
	var err error
	w.session, err = w.log.Join(w.Context(), queue, 0)
	w.must(err)
	w.open = nil
	records, err := w.session.Observe(w.Context(), true)
	w.must(err)
	for more := true; more; {
		var b task.Batch
		b, more, err = w.session.Reclaim(w.Context(), victim, records[victim])
		w.must(err)
		w.open = append(w.open, b.Deliveries...)
	}
}
