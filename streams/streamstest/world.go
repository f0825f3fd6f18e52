package streamstest

import (
	"context"
	"testing"
	"time"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// queue is the one queue of a world, with one partition.
const queue task.Queue = "q"

// by is who operates in tests.
var by = streams.By{Actor: "tester", Reason: "test"}

// world is one log and what tests do with it. Its methods fail the test.
type world struct {
	*testing.T
	ctx context.Context
	log *streams.Log
}

func newWorld(t *testing.T, open func(t *testing.T) *streams.Log) *world {
	t.Helper()
	w := &world{T: t, ctx: t.Context(), log: open(t)}
	t.Cleanup(func() {
		if w.log != nil { // not closed by the test itself
			Check(t, w.log, queue)
		}
	})
	return w
}

// must fails the test on an error.
func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// birth is one to run now; its payload tells it from others.
func birth(payload string) task.Birth {
	return task.Birth{Type: "work", Queue: queue, Payload: []byte(payload)}
}

func (w *world) enqueue(births ...task.Birth) []task.ID {
	w.Helper()
	got, err := w.log.Enqueue(w.ctx, births)
	w.must(err)
	ids := make([]task.ID, len(got))
	for i := range got {
		ids[i] = got[i].ID
	}
	return ids
}

// ready enqueues n tasks to run now.
func (w *world) ready(n int) []task.ID {
	w.Helper()
	births := make([]task.Birth, n)
	for i := range births {
		births[i] = birth("payload")
	}
	return w.enqueue(births...)
}

// later enqueues one task that waits.
func (w *world) later(in time.Duration) task.ID {
	w.Helper()
	b := birth("payload")
	b.In = in
	return w.enqueue(b)[0]
}

func (w *world) join() *streams.Session {
	w.Helper()
	s, err := w.log.Join(w.ctx, queue, 0)
	w.must(err)
	w.Cleanup(s.Interrupt)
	return s
}

// fetch reads exactly n deliveries.
func (w *world) fetch(s *streams.Session, n int) []task.Delivery {
	w.Helper()
	var all []task.Delivery
	for end := time.Now().Add(10 * time.Second); len(all) < n; {
		b, err := s.Fetch(w.ctx, n-len(all), 100*time.Millisecond)
		w.must(err)
		all = append(all, b.Deliveries...)
		if time.Now().After(end) {
			w.Fatalf("fetched %d deliveries, want %d", len(all), n)
		}
	}
	return all
}

// nothing fails the test if there is something to fetch.
func (w *world) nothing(s *streams.Session) {
	w.Helper()
	b, err := s.Fetch(w.ctx, 10, time.Millisecond)
	w.must(err)
	if len(b.Deliveries) > 0 {
		w.Fatalf("fetched %d deliveries, want none: %+v", len(b.Deliveries), b.Deliveries)
	}
}

// held enqueues n tasks and fetches them.
func (w *world) held(s *streams.Session, n int) []task.Delivery {
	w.Helper()
	w.ready(n)
	return w.fetch(s, n)
}

// settle records the same outcome for all and compares the answers.
func (w *world) settle(s *streams.Session, kind task.Kind, want task.Answer, ds ...task.Delivery) {
	w.Helper()
	out := make([]task.Settlement, len(ds))
	for i := range ds {
		out[i] = task.Settlement{Delivery: &ds[i], Kind: kind}
		switch kind {
		case task.OutcomeDead:
			out[i].Error, out[i].Reason = "boom", "retries"
		case task.OutcomeRetry:
			out[i].Error = "boom"
		}
	}
	w.answers(s, out, want)
}

func (w *world) answers(s *streams.Session, out []task.Settlement, want task.Answer) {
	w.Helper()
	answers, err := s.Settle(w.ctx, out)
	w.must(err)
	for i, a := range answers {
		if a != want {
			w.Fatalf("settle %s as %s: answer %c, want %c", out[i].Delivery.ID, out[i].Kind, a, want)
		}
	}
}

// record is what o's holder is known by at this moment.
func (w *world) record(s *streams.Session, o string) string {
	w.Helper()
	all, err := s.Observe(w.ctx, true)
	w.must(err)
	record, ok := all[o]
	if !ok {
		w.Fatalf("observe: no consumer %s in %v", o, all)
	}
	return record
}

// reclaim takes over all that victim holds.
func (w *world) reclaim(s *streams.Session, victim string) []task.Delivery {
	w.Helper()
	seen := w.record(s, victim)
	var all []task.Delivery
	for {
		b, more, err := s.Reclaim(w.ctx, victim, seen)
		w.must(err)
		all = append(all, b.Deliveries...)
		if !more {
			return all
		}
	}
}

// release makes tasks deliverable as soon as they are due.
func (w *world) release(ids ...task.ID) {
	w.Helper()
	z, err := w.log.Waiting(w.ctx, queue, 0)
	w.must(err)
	defer z.Close()
	left := map[task.ID]bool{}
	for _, id := range ids {
		left[id] = true
	}
	w.until("release", func() bool {
		_, _, _, err := z.Release(w.ctx, ids)
		w.must(err)
		dues, _, err := z.Upcoming(w.ctx, 1000)
		w.must(err)
		waiting := 0
		for _, d := range dues {
			if left[d.ID] {
				waiting++
			}
		}
		return waiting == 0
	})
}

// until polls, for what only time brings.
func (w *world) until(what string, ok func() bool) {
	w.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); !ok(); <-tick.C {
		if time.Now().After(end) {
			w.Fatalf("%s: not within 10 s", what)
		}
	}
}

// state fails the test unless the task stands there.
func (w *world) state(id task.ID, want task.State) task.Status {
	w.Helper()
	st, err := w.log.Reader().Status(w.ctx, id)
	w.must(err)
	if st.State != want {
		w.Fatalf("status of %s: %s, want %s", id, st.State, want)
	}
	return st
}

// kinds lists the kinds of the events of a task.
func (w *world) kinds(id task.ID) []task.Kind {
	w.Helper()
	events, err := w.log.Reader().History(w.ctx, id)
	w.must(err)
	var kinds []task.Kind
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// events reads the whole log.
func (w *world) events() []task.Event {
	w.Helper()
	var all []task.Event
	for e, err := range w.log.Reader().Events(w.ctx, queue, 0, task.Position{}) {
		w.must(err)
		all = append(all, e)
	}
	return all
}

// stats reads the numbers of the one partition.
func (w *world) stats() task.Stats {
	w.Helper()
	s, err := w.log.Reader().Stats(w.ctx, queue)
	w.must(err)
	return s[0]
}
