package streamstest

import (
	"errors"
	"slices"
	"time"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

var redactCases = []testCase{
	{"every end", redactEnds},
	{"every copy", redactCopies},
	{"a long history", redactLong},
	{"a dead task", redactDead},
	{"cancelled before it was read", redactTombstone},
	{"what has not ended", redactOpen},
	{"below the floor", redactTrimmed},
}

// redact asks twice: the second time changes nothing.
func (w *world) redact(id task.ID) task.Position {
	w.Helper()
	at, err := w.log.Redact(w.ctx, id, by)
	w.must(err)
	size := len(w.events())
	again, err := w.log.Redact(w.ctx, id, by)
	if w.must(err); again != at || len(w.events()) != size {
		w.Errorf("redacted at %s, asked again at %s, %d entries more", at, again, len(w.events())-size)
	}
	return at
}

// forgotten fails if the log still has a payload of a task, or misses an entry, or
// does not say who took it away.
func (w *world) forgotten(id task.ID, at task.Position, want ...task.Kind) {
	w.Helper()
	said := false
	for _, e := range w.about(id, w.events()) {
		if e.Type != "" && (len(e.Payload) > 0 || !e.Erased || e.Type != "work") {
			w.Errorf("%s at %s: %s %q, erased %t", e.Kind, e.At, e.Type, e.Payload, e.Erased)
		}
		said = said || e.At == at && e.Kind == task.Redacted && e.Actor == by.Actor && e.Reason == by.Reason
	}
	if !said {
		w.Errorf("no event at %s says who redacted %s", at, id)
	}
	w.history(id, append(want, task.Redacted)...)
	st, err := w.log.Reader().Status(w.ctx, id)
	if w.must(err); len(st.Payload) > 0 {
		w.Errorf("status %+v", st)
	}
}

func redactEnds(w *world) {
	s := w.join()
	ends := []task.Kind{task.OutcomeSuccess, task.OutcomeDead, task.OutcomeCancel, task.OutcomeExpire}
	ds := w.held(s, len(ends))
	for i, end := range ends {
		w.settle(s, end, task.Recorded, ds[i])
		w.forgotten(ds[i].ID, w.redact(ds[i].ID), task.Born, end)
	}
	purged := w.die(s, birth("x"))
	_, err := w.log.Purge(w.ctx, []task.ID{purged}, by)
	w.must(err)
	w.forgotten(purged, w.redact(purged), task.Born, task.OutcomeDead, task.PurgedDead)
}

// redactCopies: the birth of a delayed task, its release, its hand-back. A
// neighbour keeps its own.
func redactCopies(w *world) {
	s := w.join()
	id := w.later(time.Millisecond)
	other := w.ready(1)[0]
	w.settle(s, task.OutcomeSuccess, task.Recorded, w.fetch(s, 1)...)
	w.release(id)
	w.settle(s, task.HandedBack, task.Recorded, w.fetch(s, 1)...)
	w.settle(s, task.OutcomeSuccess, task.Recorded, w.fetch(s, 1)...)
	w.forgotten(id, w.redact(id), task.Scheduled, task.Released, task.HandedBack, task.OutcomeSuccess)
	st, err := w.log.Reader().Status(w.ctx, other)
	if w.must(err); len(st.Payload) == 0 {
		w.Errorf("the neighbour: %+v", st)
	}
}

// redactLong: a history of more entries than one call takes.
func redactLong(w *world) {
	s := w.join()
	id := w.ready(1)[0]
	kinds := []task.Kind{task.Born}
	for range 300 {
		w.settle(s, task.HandedBack, task.Recorded, w.fetch(s, 1)...)
		kinds = append(kinds, task.HandedBack)
	}
	w.settle(s, task.OutcomeSuccess, task.Recorded, w.fetch(s, 1)...)
	w.forgotten(id, w.redact(id), append(kinds, task.OutcomeSuccess)...)
}

func redactDead(w *world) {
	s := w.join()
	id := w.die(s, birth("x"))
	at := w.redact(id)
	if err := w.log.Requeue(w.ctx, id, by); !errors.Is(err, task.ErrNotDead) {
		w.Errorf("requeue: %v, want %v", err, task.ErrNotDead)
	}
	w.state(id, task.Dead)
	w.forgotten(id, at, task.Born, task.OutcomeDead)
}

// redactTombstone: nobody has read its entry, and nobody will. While a consumer
// holds it, it stays.
func redactTombstone(w *world) {
	s := w.join()
	ids := w.ready(2)
	w.cancel(ids[0], streams.CancelDone)
	w.forgotten(ids[0], w.redact(ids[0]), task.Born, task.OutcomeCancel)
	if d := w.fetch(s, 1)[0]; d.ID != ids[1] {
		w.Errorf("delivered %s, want %s", d.ID, ids[1])
	}
}

func redactOpen(w *world) {
	s := w.join()
	running := w.held(s, 1)[0].ID
	for _, id := range []task.ID{running, w.ready(1)[0], w.later(time.Hour)} {
		if _, err := w.log.Redact(w.ctx, id, by); !errors.Is(err, task.ErrNotEnded) {
			w.Errorf("redact: %v, want %v", err, task.ErrNotEnded)
		}
	}
	nobody := task.NewID(0, 1, task.Position{Ms: 1, LSN: 1 << 40})
	if _, err := w.log.Redact(w.ctx, nobody, by); !errors.Is(err, task.ErrNotFound) {
		w.Errorf("redact: %v, want %v", err, task.ErrNotFound)
	}
	if _, err := w.log.Redact(w.ctx, running, streams.By{Actor: "ann"}); !errors.Is(err, task.ErrInvalidOption) {
		w.Errorf("redact: %v, want %v", err, task.ErrInvalidOption)
	}
}

// redactTrimmed: what is left of a redacted entry goes with the log around it. Of a
// task without a trace an event alone is written.
func redactTrimmed(w *world) {
	s := w.join()
	d := w.held(s, 1)[0]
	w.settle(s, task.OutcomeSuccess, task.Recorded, d)
	w.redact(d.ID)
	w.filler(600)
	w.trim()
	if slices.ContainsFunc(w.events(), func(e task.Event) bool { return e.Task == d.ID && e.Type != "" }) {
		w.Errorf("what is left of %s outlived the floor", d.ID)
	}
	if _, err := w.log.Redact(w.ctx, d.ID, by); !errors.Is(err, task.ErrNotFound) {
		w.Errorf("redact: %v, want %v", err, task.ErrNotFound)
	}
	at, err := w.log.RedactArchived(w.ctx, d.ID, by)
	w.must(err)
	if !slices.ContainsFunc(w.events(), func(e task.Event) bool { return e.At == at && e.Kind == task.Redacted && e.Task == d.ID }) {
		w.Errorf("no event at %s", at)
	}
}
