package streamstest

import (
	"github.com/tidemill/tidemill/task"
)

var sweepCases = []testCase{
	{"finds lost deliveries and never what is known", sweepLost},
	{"finds a lost page of a reclaim, with its counts", sweepReclaimed},
	{"more than a page", sweepPages},
	{"nothing of others", sweepOthers},
}

func sweepLost(w *world) {
	s := w.join()
	ds := w.held(s, 5)
	known := map[task.Position]bool{ds[0].Entry: true, ds[3].Entry: true}
	b, err := s.Sweep(w.ctx, func(at task.Position) bool { return known[at] })
	w.must(err)
	if len(b.Deliveries) != 3 {
		w.Fatalf("found %d, want 3", len(b.Deliveries))
	}
	for i, want := range []task.Delivery{ds[1], ds[2], ds[4]} {
		if got := b.Deliveries[i]; got.ID != want.ID || got.Count != 1 || got.Token != want.Token || string(got.Payload) != "payload" {
			w.Errorf("found %+v, want %s", got, want.ID)
		}
	}
	w.settle(s, task.OutcomeSuccess, task.Recorded, append(b.Deliveries, ds[0], ds[3])...)
	if b, err = s.Sweep(w.ctx, func(task.Position) bool { return false }); err != nil || len(b.Deliveries) != 0 {
		w.Errorf("found %d of what was settled, %v", len(b.Deliveries), err)
	}
}

func sweepReclaimed(w *world) {
	a, b := w.join(), w.join()
	w.held(a, 3)
	w.reclaim(b, a.Name())
	batch, err := b.Sweep(w.ctx, func(task.Position) bool { return false })
	w.must(err)
	for _, d := range batch.Deliveries {
		if d.Count != 2 {
			w.Errorf("count %d, want 2", d.Count)
		}
	}
	if len(batch.Deliveries) != 3 {
		w.Errorf("found %d, want 3", len(batch.Deliveries))
	}
}

func sweepPages(w *world) {
	s := w.join()
	const n = 600
	w.held(s, n)
	b, err := s.Sweep(w.ctx, func(task.Position) bool { return false })
	if w.must(err); len(b.Deliveries) != n {
		w.Errorf("found %d, want %d", len(b.Deliveries), n)
	}
}

func sweepOthers(w *world) {
	a, b := w.join(), w.join()
	w.held(a, 3)
	w.ready(2)
	batch, err := b.Sweep(w.ctx, func(task.Position) bool { return false })
	if w.must(err); len(batch.Deliveries) != 0 {
		w.Errorf("found %d, want 0", len(batch.Deliveries))
	}
}
