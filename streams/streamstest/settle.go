package streamstest

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

var settleCases = []testCase{
	{"succeeded", settleSuccess},
	{"a whole call", settleFull},
	{"more than a call", settleTooMany},
	{"retry", settleRetry},
	{"snoozed", settleSnooze},
	{"dead", settleDead},
	{"handed back", settleHandedBack},
	{"cancelled and expired", settleEnds},
	{"mixture", settleMixture},
	{"twice", settleTwice},
	{"some of neighbours are gone", settleSome},
	{"nothing", settleNothing},
	{"stale outcome", settleStale},
	{"error as it was said", settleText},
}

// settleSome: of neighbours settled at once, those that are not held any more get no
// second outcome, and the index leads from each to its own.
func settleSome(w *world) {
	s := w.join()
	ds := w.held(s, 6)
	w.settle(s, task.OutcomeSuccess, task.Recorded, ds[1], ds[4])
	before := w.stats()
	out := make([]task.Settlement, len(ds))
	for i := range out {
		out[i] = task.Settlement{Delivery: &ds[i], Kind: task.OutcomeSuccess, Ran: time.Duration(i+1) * time.Millisecond}
	}
	answers, err := s.Settle(w.ctx, out)
	w.must(err)
	if got := string(answers); got != "AGAAGA" {
		w.Errorf("answers %s, want AGAAGA", got)
	}
	for i, d := range ds {
		w.state(d.ID, task.Succeeded)
		ends := 0
		history, err := w.log.Reader().History(w.ctx, d.ID)
		w.must(err)
		for _, e := range history {
			if e.Kind == task.OutcomeSuccess {
				ends++
				if again := i != 1 && i != 4; again != (e.Ran == out[i].Ran) || again != (e.At.LSN > before.LSN) {
					w.Errorf("%d: the outcome at %s ran %s", i, e.At, e.Ran)
				}
			}
		}
		if ends != 1 {
			w.Errorf("%d: %d outcomes, want one", i, ends)
		}
	}
}

// settleSuccess: outcomes of one call share an entry and keep what is their own.
func settleSuccess(w *world) {
	s := w.join()
	ds := w.held(s, 3)
	out := make([]task.Settlement, 3)
	for i := range out {
		out[i] = task.Settlement{Delivery: &ds[2-i], Kind: task.OutcomeSuccess, Ran: time.Duration(i+1) * time.Millisecond}
		if i != 1 { // one without a result between two with
			out[i].Result = task.Digest{15: byte(i + 1)}
		}
	}
	w.answers(s, out, task.Recorded)
	var at task.Position
	for i, result := range []task.Digest{{15: 3}, {}, {15: 1}} {
		events, err := w.log.Reader().History(w.ctx, ds[i].ID)
		w.must(err)
		e := events[len(events)-1]
		if len(events) != 2 || e.Kind != task.OutcomeSuccess || e.Item != i || e.Consumer != s.Name() || e.Ran != time.Duration(3-i)*time.Millisecond ||
			e.Result != result || e.Prev != ds[i].Entry || i > 0 && e.At != at {
			w.Errorf("outcome of %d: %+v", i, e)
		}
		at = e.At
		w.state(ds[i].ID, task.Succeeded)
	}
}

func settleFull(w *world) {
	s := w.join()
	w.settle(s, task.OutcomeSuccess, task.Recorded, w.held(s, streams.MaxSettle)...)
	w.settle(s, task.OutcomeRetry, task.Recorded, w.held(s, streams.MaxVerdicts)...)
	w.settle(s, task.HandedBack, task.Recorded, w.held(s, streams.MaxVerdicts)...)
}

// settleTooMany is refused before anything happens.
func settleTooMany(w *world) {
	s := w.join()
	ds := w.held(s, streams.MaxSettle+1)
	for kind, n := range map[task.Kind]int{task.OutcomeSuccess: streams.MaxSettle + 1, task.OutcomeRetry: streams.MaxVerdicts + 1} {
		out := make([]task.Settlement, n)
		for i := range out {
			out[i] = task.Settlement{Delivery: &ds[i], Kind: kind}
		}
		if _, err := s.Settle(w.ctx, out); !errors.Is(err, task.ErrInvalidOption) {
			w.Errorf("settle of %d as %s: %v, want %v", n, kind, err, task.ErrInvalidOption)
		}
	}
	w.settle(s, task.OutcomeSuccess, task.Recorded, ds[:streams.MaxSettle]...)
}

// settleRetry: the next attempt carries what the first did.
func settleRetry(w *world) {
	b := birth("retry")
	b.Headers, b.Opts = map[string]string{"h": "1"}, task.Opts{Retries: 7}
	id := w.enqueue(b)[0]
	s := w.join()
	first := w.fetch(s, 1)[0]
	w.answers(s, []task.Settlement{{Delivery: &first, Kind: task.OutcomeRetry, Error: "boom", Delay: 20 * time.Millisecond}}, task.Recorded)
	if st := w.state(id, task.Waiting); st.Error != "boom" {
		w.Errorf("error %q, want boom", st.Error)
	}
	w.release(id)
	second := w.fetch(s, 1)[0]
	want := first
	want.Attempt, want.Entry, want.DueMs, want.Token = 2, second.Entry, second.DueMs, second.Token
	if d := cmp.Diff(want, second); d != "" || second.DueMs == 0 || second.Entry.Ms < second.DueMs {
		w.Errorf("second attempt (-want +got):\n%s", d)
	}
	w.settle(s, task.OutcomeSuccess, task.Recorded, second)
	kinds := []task.Kind{task.Born, task.OutcomeRetry, task.Released, task.OutcomeSuccess}
	if d := cmp.Diff(kinds, w.kinds(id)); d != "" {
		w.Errorf("history (-want +got):\n%s", d)
	}
}

// settleSnooze uses up no attempt.
func settleSnooze(w *world) {
	s := w.join()
	d := w.held(s, 1)[0]
	w.settle(s, task.OutcomeSnooze, task.Recorded, d)
	w.release(d.ID)
	if again := w.fetch(s, 1)[0]; again.Attempt != 1 || again.ID != d.ID {
		w.Errorf("got attempt %d of %s, want 1 of %s", again.Attempt, again.ID, d.ID)
	}
}

func settleDead(w *world) {
	s := w.join()
	d := w.held(s, 1)[0]
	w.settle(s, task.OutcomeDead, task.Recorded, d)
	if st := w.state(d.ID, task.Dead); st.Error != "boom" || st.Reason != "retries" {
		w.Errorf("status %+v", st)
	}
}

// settleHandedBack: no attempt is charged, starts without an outcome go along.
func settleHandedBack(w *world) {
	s := w.join()
	d := w.held(s, 1)[0]
	d.Count = 3 // taken over and charged
	w.settle(s, task.HandedBack, task.Recorded, d)
	again := w.fetch(s, 1)[0]
	if again.Attempt != 1 || again.Count != 1 || again.Starts() != 2 || string(again.Payload) != "payload" {
		w.Errorf("got %+v", again)
	}
	w.settle(s, task.OutcomeRetry, task.Recorded, again)
	w.release(d.ID)
	if next := w.fetch(s, 1)[0]; next.Starts() != 0 || next.Attempt != 2 {
		w.Errorf("after an outcome: %d starts, attempt %d", next.Starts(), next.Attempt)
	}
}

func settleEnds(w *world) {
	s := w.join()
	ds := w.held(s, 2)
	w.settle(s, task.OutcomeCancel, task.Recorded, ds[0])
	w.settle(s, task.OutcomeExpire, task.Recorded, ds[1])
	w.state(ds[0].ID, task.Cancelled)
	w.state(ds[1].ID, task.Expired)
	w.nothing(s)
}

// settleMixture: answers stand in the order of the outcomes, though the call
// sorts them.
func settleMixture(w *world) {
	s := w.join()
	ds := w.held(s, 12)
	w.settle(s, task.OutcomeSuccess, task.Recorded, ds[4], ds[9])
	kinds := []task.Kind{task.OutcomeRetry, task.OutcomeSuccess, task.OutcomeDead, task.HandedBack, task.OutcomeSuccess, task.OutcomeSnooze}
	out := make([]task.Settlement, len(ds))
	for i := range ds {
		out[i] = task.Settlement{Delivery: &ds[i], Kind: kinds[i%len(kinds)]}
	}
	slices.Reverse(out)
	answers, err := s.Settle(w.ctx, out)
	w.must(err)
	for i, o := range out {
		want := task.Recorded
		if o.Delivery == &ds[4] || o.Delivery == &ds[9] {
			want = task.Gone
		}
		if answers[i] != want {
			w.Errorf("answer to %s of %s: %c, want %c", o.Kind, o.Delivery.ID, answers[i], want)
		}
	}
	states := []task.State{task.Waiting, task.Succeeded, task.Dead, task.Ready, task.Succeeded, task.Waiting}
	for i := range ds {
		if i != 4 && i != 9 {
			w.state(ds[i].ID, states[i%len(states)])
		}
	}
}

// settleTwice: under a new number, too, nothing is written twice.
func settleTwice(w *world) {
	s := w.join()
	ds := w.held(s, 2)
	w.settle(s, task.OutcomeSuccess, task.Recorded, ds...)
	w.settle(s, task.OutcomeSuccess, task.Gone, ds...)
	w.settle(s, task.OutcomeDead, task.Gone, ds...)
	w.settle(s, task.OutcomeRetry, task.Gone, ds[0], ds[0])
}

func settleNothing(w *world) {
	answers, err := w.join().Settle(w.ctx, nil)
	if len(answers) != 0 || err != nil {
		w.Errorf("got %v, %v", answers, err)
	}
}

// settleStale: what came too late is in the history and changes nothing.
func settleStale(w *world) {
	a, b := w.join(), w.join()
	d := w.held(a, 1)[0]
	got := w.reclaim(b, a.Name())
	late := task.Settlement{Delivery: &d, Kind: task.StaleOutcome, Wanted: task.OutcomeSuccess, Reason: a.Name(), Ran: time.Second}
	w.answers(b, []task.Settlement{late}, task.Recorded)
	w.state(d.ID, task.Running)
	w.settle(b, task.OutcomeSuccess, task.Recorded, got...)
	w.answers(b, []task.Settlement{late}, task.Recorded)
	events, err := w.log.Reader().History(w.ctx, d.ID)
	w.must(err)
	e := events[len(events)-1]
	if e.Kind != task.StaleOutcome || e.Outcome != "succeeded" || e.Consumer != a.Name() || e.Ran != time.Second || e.Prev != d.Entry {
		w.Errorf("late outcome: %+v", e)
	}
}

func settleText(w *world) {
	s := w.join()
	d := w.held(s, 1)[0]
	text := strings.Repeat("é\x00\xff 1:a,", 1000)
	w.answers(s, []task.Settlement{{Delivery: &d, Kind: task.OutcomeDead, Error: text, Reason: "3:abc"}}, task.Recorded)
	if st := w.state(d.ID, task.Dead); st.Error != text || st.Reason != "3:abc" {
		w.Errorf("reason %q, error of %d bytes", st.Reason, len(st.Error))
	}
	for st, err := range w.log.Reader().Dead(w.ctx, streams.Filter{Queue: queue}) {
		if w.must(err); st.Error != text || st.Reason != "3:abc" || string(st.Payload) != "payload" {
			w.Errorf("listed: reason %q, payload %q, error of %d bytes", st.Reason, st.Payload, len(st.Error))
		}
	}
}
