package streamstest

import (
	"errors"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

var fenceCases = []testCase{
	{"after a reclaim", fenceReclaimed},
	{"without a record", fenceAbsent},
	{"strict: a foreign token", fenceToken},
	{"strict: held by another", fenceTaken},
	{"strict: tokens that differ", fenceMixed},
	{"late outcome of the fenced", fenceLate},
	{"names are new", fenceNames},
	{"leave", fenceLeave},
}

// fenced fails the test unless every call of the session is refused for good.
func (w *world) fenced(s *streams.Session, d task.Delivery) {
	w.Helper()
	for range 2 {
		if _, err := s.Settle(w.ctx, []task.Settlement{{Delivery: &d, Kind: task.OutcomeSuccess}}); !errors.Is(err, task.ErrFenced) {
			w.Errorf("settle: %v, want %v", err, task.ErrFenced)
		}
		if _, _, err := s.Renew(w.ctx, []task.ID{d.ID}); !errors.Is(err, task.ErrFenced) {
			w.Errorf("renew: %v, want %v", err, task.ErrFenced)
		}
		if _, err := s.Charge(w.ctx, []*task.Delivery{&d}); !errors.Is(err, task.ErrFenced) {
			w.Errorf("charge: %v, want %v", err, task.ErrFenced)
		}
		if _, _, err := s.Reclaim(w.ctx, "nobody", ""); !errors.Is(err, task.ErrFenced) {
			w.Errorf("reclaim: %v, want %v", err, task.ErrFenced)
		}
	}
}

func fenceReclaimed(w *world) {
	a, b := w.join(), w.join()
	ds := w.held(a, 2)
	got := w.reclaim(b, a.Name())
	w.fenced(a, ds[0])
	w.state(ds[0].ID, task.Running)
	w.settle(b, task.OutcomeSuccess, task.Recorded, got...)
	w.fenced(a, ds[0])
}

// fenceAbsent: absent never means new, or a forgotten consumer could settle
// what was given to another.
func fenceAbsent(w *world) {
	a := w.join()
	d := w.held(a, 1)[0]
	w.settle(a, task.OutcomeSuccess, task.Recorded, d)
	w.must(a.Leave(w.ctx))
	w.fenced(a, d)
}

// fenceToken: of a delivery of another server life the owner is asked for.
func fenceToken(w *world) {
	s := w.join()
	ds := w.held(s, 3)
	for i := range ds {
		ds[i].Token = "0123456789ab.7"
	}
	w.settle(s, task.OutcomeSuccess, task.Recorded, ds[0])
	w.settle(s, task.OutcomeRetry, task.Recorded, ds[1])
	w.settle(s, task.OutcomeSuccess, task.Gone, ds[0])
	w.settle(s, task.HandedBack, task.Recorded, ds[2])
}

// fenceTaken: a delivery that the lost tail gave to one and the new life to
// another. Played by a consumer that claims to hold what another does.
func fenceTaken(w *world) {
	a, b := w.join(), w.join()
	d := w.held(a, 1)[0]
	lost := d
	lost.Token = "0123456789ab.7"
	for _, k := range []task.Kind{task.OutcomeSuccess, task.OutcomeRetry, task.OutcomeDead, task.HandedBack, task.OutcomeCancel} {
		w.settle(b, k, task.Taken, lost)
	}
	w.state(d.ID, task.Running)
	w.settle(a, task.OutcomeSuccess, task.Recorded, d)
	w.settle(b, task.OutcomeSuccess, task.Gone, lost)
}

func fenceMixed(w *world) {
	a, b := w.join(), w.join()
	theirs, ours := w.held(a, 1)[0], w.held(b, 1)[0]
	theirs.Token = "0123456789ab.7"
	answers, err := b.Settle(w.ctx, []task.Settlement{{Delivery: &ours, Kind: task.OutcomeSuccess}, {Delivery: &theirs, Kind: task.OutcomeSuccess}})
	w.must(err)
	if answers[0] != task.Recorded || answers[1] != task.Taken {
		w.Errorf("answers %s, want AT", string([]byte{byte(answers[0]), byte(answers[1])}))
	}
	w.state(theirs.ID, task.Running)
}

// fenceLate: a new incarnation may report for the old one, and only report.
func fenceLate(w *world) {
	a, b := w.join(), w.join()
	d := w.held(a, 1)[0]
	w.settle(b, task.OutcomeSuccess, task.Recorded, w.reclaim(b, a.Name())...)
	next := w.join()
	w.answers(next, []task.Settlement{{Delivery: &d, Kind: task.StaleOutcome, Wanted: task.OutcomeDead, Reason: a.Name()}}, task.Recorded)
	w.state(d.ID, task.Succeeded)
}

func fenceNames(w *world) {
	seen := map[string]bool{}
	for range 20 {
		seen[w.join().Name()] = true
	}
	if len(seen) != 20 {
		w.Errorf("20 sessions with %d names", len(seen))
	}
}

// fenceLeave: a consumer that holds something is not deleted.
func fenceLeave(w *world) {
	a, b := w.join(), w.join()
	d := w.held(a, 1)[0]
	if err := a.Leave(w.ctx); err == nil {
		w.Error("leave with a delivery: no error")
	}
	w.settle(a, task.OutcomeSuccess, task.Recorded, d)
	w.must(a.Leave(w.ctx))
	w.must(a.Leave(w.ctx)) // the reply may be lost
	all, err := b.Observe(w.ctx, true)
	if w.must(err); len(all) != 0 {
		w.Errorf("observed %v, want nobody", all)
	}
}
