package streamstest

import (
	"bytes"
	"slices"

	"github.com/tidemill/tidemill/task"
)

var orderCases = []testCase{
	{"deliveries in the order of births", orderFetch},
	{"ids ascend and are addresses", orderIDs},
	{"a handed back task goes behind the backlog", orderHandedBack},
	{"consumers share", orderShare},
}

func orderFetch(w *world) {
	var want []task.ID
	for range 5 {
		want = append(want, w.ready(7)...)
	}
	var got []task.ID
	for _, d := range w.fetch(w.join(), len(want)) {
		got = append(got, d.ID)
	}
	if !slices.Equal(got, want) {
		w.Errorf("got %v, want %v", got, want)
	}
}

func orderIDs(w *world) {
	ids := append(w.ready(300), w.later(1), w.later(1))
	ids = append(ids, w.ready(3)...)
	if !slices.IsSortedFunc(ids, func(a, b task.ID) int { return bytes.Compare(a[:], b[:]) }) {
		w.Error("ids do not ascend")
	}
	at := map[task.Position]task.ID{}
	for _, e := range w.events() {
		if e.Kind == task.Born || e.Kind == task.Scheduled {
			at[e.At] = e.Task
		}
	}
	for _, id := range ids {
		if at[id.Birth()] != id {
			w.Errorf("at the address of %s: %s", id, at[id.Birth()])
		}
	}
}

func orderHandedBack(w *world) {
	s := w.join()
	w.ready(3)
	ds := w.fetch(s, 1)
	w.settle(s, task.HandedBack, task.Recorded, ds...)
	got := w.fetch(s, 3)
	if got[2].ID != ds[0].ID || got[2].Attempt != 1 || got[2].Count != 1 {
		w.Errorf("last: %+v, want %s", got[2], ds[0].ID)
	}
}

func orderShare(w *world) {
	a, b := w.join(), w.join()
	w.ready(4)
	x, y := w.fetch(a, 2), w.fetch(b, 2)
	seen := map[task.ID]bool{}
	for _, d := range slices.Concat(x, y) {
		seen[d.ID] = true
	}
	if len(seen) != 4 {
		w.Errorf("two consumers were given %d different tasks, want 4", len(seen))
	}
}
