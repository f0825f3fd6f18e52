package streamstest

import (
	"time"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// lawCases compare the scripts with task.Apply, pair by pair: in every state a
// test can bring about, everything is tried that could write an event of each
// kind. What the scripts wrote must be legal and lead where the law says; what
// the law allows they must write; what it forbids they must not. The pairs of an
// entry that vanished are tested where entries can be deleted, on a real server.
var lawCases = func() (cases []testCase) {
	for _, s := range task.States() {
		if s == task.Lost {
			continue
		}
		cases = append(cases, testCase{s.String(), func(w *world) {
			for _, k := range task.Kinds() {
				if !k.OfPartition() && k != task.EntryLost {
					w.pair(s, k)
				}
			}
		}})
	}
	return cases
}()

// subject is a task that stands in some state, and who had it last.
type subject struct {
	id task.ID
	s  *streams.Session
	d  task.Delivery // the last delivery, or one that never was
}

func (w *world) pair(from task.State, k task.Kind) {
	w.Helper()
	sub := w.bring(from, k)
	before := len(w.events())
	id := w.try(sub, k)
	events := w.about(id, w.events()[before:])
	to, produced := from, false
	for _, e := range events {
		next, err := task.Apply(to, e.Kind)
		if err != nil {
			w.Errorf("%s, to write %s: %v", from, k, err)
			return
		}
		to, produced = next, produced || e.Kind == k
	}
	_, err := task.Apply(from, k)
	if legal := err == nil && !(from == task.Ready && needsDelivery(k)); legal != produced {
		w.Errorf("%s in state %s: legal %t, written %t", k, from, legal, produced)
	}
	if to == task.None {
		return
	}
	st, err := w.log.Reader().Status(w.ctx, id)
	w.must(err)
	if got := st.State; got != to && !(got == task.Running && to == task.Ready) {
		w.Errorf("%s in state %s leads to %s, the law says %s", k, from, got, to)
	}
	w.clear()
}

// needsDelivery reports whether only a consumer's delivery leads to the event:
// the law does not tell ready from running, Redis does.
func needsDelivery(k task.Kind) bool {
	switch k {
	case task.HandedBack, task.Reclaimed, task.CancelRequested, task.OutcomeSuccess, task.OutcomeRetry, task.OutcomeSnooze,
		task.OutcomeDead, task.OutcomeExpire:
		return true
	}
	return false
}

// bring makes a task and leads it into a state. One that shall expire has a
// deadline that it cannot meet.
func (w *world) bring(to task.State, k task.Kind) subject {
	w.Helper()
	sub := subject{s: w.join()}
	switch to {
	case task.None:
		w.filler(1)
		sub.id = task.NewID(0, 1, task.Position{Ms: 1, LSN: 1})
	case task.Waiting:
		b := birth("x")
		if b.In = time.Millisecond; k == task.OutcomeExpire {
			b.Opts.Deadline = time.UnixMilli(1)
		}
		sub.id = w.enqueue(b)[0]
	default:
		sub.id = w.ready(1)[0]
	}
	sub.d = task.Delivery{ID: sub.id, Type: "work", Entry: sub.id.Birth(), Count: 1, Attempt: 1}
	if to < task.Running {
		return sub
	}
	sub.d = w.fetch(sub.s, 1)[0]
	outcomes := map[task.State]task.Kind{
		task.Succeeded: task.OutcomeSuccess, task.Dead: task.OutcomeDead, task.Cancelled: task.OutcomeCancel,
		task.Expired: task.OutcomeExpire, task.Purged: task.OutcomeDead,
	}
	if k, ok := outcomes[to]; ok {
		w.settle(sub.s, k, task.Recorded, sub.d)
	}
	if to == task.Purged {
		_, err := w.log.Purge(w.ctx, []task.ID{sub.id}, by)
		w.must(err)
	}
	w.state(sub.id, to)
	return sub
}

// try does what could write an event of the kind about the task, and returns
// which task it is: a birth makes its own.
func (w *world) try(sub subject, k task.Kind) task.ID {
	w.Helper()
	switch k {
	case task.Born, task.Scheduled:
		return w.tryBirth(sub, k)
	case task.Released:
		w.tryRelease(sub)
	case task.CancelRequested:
		_, _ = w.log.Cancel(w.ctx, sub.id, by)
	case task.Requeued:
		_ = w.log.Requeue(w.ctx, sub.id, by)
	case task.PurgedDead:
		_, _ = w.log.Purge(w.ctx, []task.ID{sub.id}, by)
	case task.Redacted:
		_, _ = w.log.Redact(w.ctx, sub.id, by)
	case task.Reclaimed:
		w.reclaim(w.join(), sub.s.Name())
	case task.StaleOutcome:
		if sub.id.LSN() > 1 { // nobody can have been late with what never was
			w.settle(w.join(), k, task.Recorded, sub.d)
		}
	case task.OutcomeCancel:
		if answers, err := sub.s.Settle(w.ctx, []task.Settlement{{Delivery: &sub.d, Kind: k}}); err != nil || answers[0] == task.Gone {
			_, _ = w.log.Cancel(w.ctx, sub.id, by)
		}
	case task.OutcomeExpire:
		w.tryExpire(sub)
	default:
		_, _ = sub.s.Settle(w.ctx, []task.Settlement{{Delivery: &sub.d, Kind: k, Reason: "law"}})
	}
	return sub.id
}

// tryBirth: only what does not exist is born; a key names what does.
func (w *world) tryBirth(sub subject, k task.Kind) task.ID {
	w.Helper()
	if sub.id.LSN() > 1 {
		return sub.id // births get new ids: no script can write a second one
	}
	b := birth("x")
	if k == task.Scheduled {
		b.In = time.Hour
	}
	return w.enqueue(b)[0]
}

// tryExpire settles, or lets a task that waits fall due after its deadline.
func (w *world) tryExpire(sub subject) {
	w.Helper()
	answers, err := sub.s.Settle(w.ctx, []task.Settlement{{Delivery: &sub.d, Kind: task.OutcomeExpire}})
	if w.must(err); answers[0] == task.Gone {
		w.tryRelease(sub)
	}
}

// tryRelease asks at a moment when the task, if it waits, is due.
func (w *world) tryRelease(sub subject) {
	w.Helper()
	z := w.waiting()
	w.until("due", func() bool {
		_, _, now, err := z.Release(w.ctx, []task.ID{sub.id})
		w.must(err)
		return now > sub.id.Birth().Ms+1
	})
}

// about picks the events of one task, or of the entry it was born in.
func (w *world) about(id task.ID, events []task.Event) (found []task.Event) {
	for _, e := range events {
		if e.Task == id || e.Kind == task.Reclaimed && e.Prev == id.Birth() {
			found = append(found, e)
		}
	}
	return found
}

// clear takes what is undelivered out of the way of the next pair.
func (w *world) clear() {
	w.Helper()
	s := w.join()
	for {
		b, err := s.Fetch(w.ctx, 10, 0)
		w.must(err)
		if len(b.Deliveries) == 0 {
			return
		}
		w.settle(s, task.OutcomeCancel, task.Recorded, b.Deliveries...)
	}
}
