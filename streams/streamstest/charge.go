package streamstest

import "github.com/tidemill/tidemill/task"

var chargeCases = []testCase{
	{"counts a start, once", chargeOnce},
	{"what is not held must not start", chargeLost},
	{"more than a page", chargePages},
	{"what lies between is not charged", chargeSome},
}

func chargeOnce(w *world) {
	a, b := w.join(), w.join()
	w.held(a, 2)
	got := w.reclaim(b, a.Name())
	repeat := got[0] // as it was told before the charge
	for range 3 {
		d := repeat
		held, err := b.Charge(w.ctx, []*task.Delivery{&d})
		if w.must(err); !held[0] || d.Count != 3 {
			w.Fatalf("held %v, count %d, want 3", held, d.Count)
		}
	}
	c := w.join()
	counts := map[task.ID]int{}
	for _, d := range w.reclaim(c, b.Name()) {
		counts[d.ID] = d.Count
	}
	if counts[got[0].ID] != 3 || counts[got[1].ID] != 2 {
		w.Errorf("counts %v", counts)
	}
}

func chargeLost(w *world) {
	a, b := w.join(), w.join()
	d, other := w.held(a, 1)[0], w.held(b, 1)[0]
	w.settle(a, task.OutcomeSuccess, task.Recorded, d)
	mine := w.held(a, 1)[0]
	held, err := a.Charge(w.ctx, []*task.Delivery{&d, &mine, &other})
	w.must(err)
	if held[0] || !held[1] || held[2] {
		w.Errorf("held %v, want only the second", held)
	}
	if d.Count != 1 || mine.Count != 2 || other.Count != 1 {
		w.Errorf("counts %d %d %d, want 1 2 1", d.Count, mine.Count, other.Count)
	}
}

func chargePages(w *world) {
	a := w.join()
	ds := w.held(a, 300)
	ptrs := make([]*task.Delivery, len(ds))
	for i := range ds {
		ptrs[i] = &ds[i]
	}
	held, err := a.Charge(w.ctx, ptrs)
	w.must(err)
	if len(held) != len(ds) {
		w.Fatalf("%d answers, want %d", len(held), len(ds))
	}
	for i := range ds {
		if !held[i] || ds[i].Count != 2 {
			w.Fatalf("%d: held %v, count %d", i, held[i], ds[i].Count)
		}
	}
}

// chargeSome charges every other delivery, the last first, and one of somebody else.
func chargeSome(w *world) {
	a, b, c := w.join(), w.join(), w.join()
	w.held(a, 9)
	ds, other := w.reclaim(b, a.Name()), w.held(c, 1)[0]
	ask, charged := []*task.Delivery{&other}, map[task.ID]bool{}
	for i := len(ds) - 1; i >= 0; i -= 2 {
		ask, charged[ds[i].ID] = append(ask, &ds[i]), true
	}
	held, err := b.Charge(w.ctx, ask)
	w.must(err)
	for i, d := range ask {
		if held[i] != charged[d.ID] {
			w.Errorf("%d: held %t, want %t", i, held[i], charged[d.ID])
		}
	}
	for _, d := range w.reclaim(c, b.Name()) {
		if want := map[bool]int{true: 3, false: 2}[charged[d.ID]]; d.Count != want {
			w.Errorf("%s has count %d, want %d", d.ID, d.Count, want)
		}
	}
}
