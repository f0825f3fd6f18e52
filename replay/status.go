package replay

import (
	"time"

	"github.com/tidemill/tidemill/task"
)

// status is what the events of one task come to. If the first of them were
// trimmed, the rest is taken at its word, as a partial fold does.
func status(id task.ID, events []task.Event) task.Status {
	f := task.NewFold()
	f.Partial = true // one task's events are no dense log
	st := task.Status{ID: id, Queue: events[0].Queue, EnqueuedAt: id.Time().UTC()}
	for i := range events {
		e := &events[i]
		f.Add(e)
		describe(&st, e)
	}
	l := f.Tasks[id]
	if l == nil { // nothing is left but late outcomes
		return st
	}
	st.State, st.Attempt, st.Cancelling = l.State, max(l.Attempt, 1), l.Marked
	st.ChangedAt = time.UnixMilli(l.Last.Ms).UTC()
	if l.State == task.Waiting {
		st.DueAt = time.UnixMilli(l.DueMs).UTC()
	}
	if l.State == task.Ready && l.Taken > 0 {
		st.Deliveries = l.Taken + 1
	}
	return st
}

// describe takes over what an event says beside its kind.
func describe(st *task.Status, e *task.Event) {
	if e.Type != "" {
		st.Type, st.Payload, st.Key = e.Type, e.Payload, e.Opts.Key
	}
	switch e.Kind {
	case task.Reclaimed:
		st.Consumer = e.Actor
	case task.OutcomeSuccess, task.OutcomeRetry, task.OutcomeSnooze, task.OutcomeDead, task.OutcomeCancel, task.OutcomeExpire:
		st.Consumer, st.Error, st.Reason = e.Consumer, e.Error, e.Reason
	case task.Released, task.HandedBack, task.Requeued:
		st.Consumer = ""
	default:
	}
}
