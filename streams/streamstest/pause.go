package streamstest

import (
	"time"

	"github.com/tidemill/tidemill/task"
)

var pauseCases = []testCase{
	{"the flag comes with every read", pauseFlag},
	{"twice", pauseTwice},
}

func pauseFlag(w *world) {
	a, s := w.join(), w.join()
	paused := func(want bool) {
		w.Helper()
		b, err := s.Fetch(w.ctx, 1, time.Millisecond)
		if w.must(err); b.Paused != want {
			w.Errorf("fetch: paused %t, want %t", b.Paused, want)
		}
		if got, err := s.Paused(w.ctx); got != want || err != nil {
			w.Errorf("paused %t, %v, want %t", got, err, want)
		}
		if got := w.stats().Paused; got != want {
			w.Errorf("stats: paused %t, want %t", got, want)
		}
	}
	paused(false)
	ds := w.held(a, 2)
	w.must(w.log.Pause(w.ctx, queue, by))
	paused(true)
	w.settle(a, task.OutcomeSuccess, task.Recorded, ds[0]) // what runs goes on
	seen := w.record(s, a.Name())
	if b, _, err := s.Reclaim(w.ctx, a.Name(), seen); err != nil || !b.Paused || len(b.Deliveries) != 1 {
		w.Errorf("reclaim: %+v, %v, want one delivery and the flag", b, err)
	}
	if b, err := s.Sweep(w.ctx, func(task.Position) bool { return false }); err != nil || !b.Paused || len(b.Deliveries) != 1 {
		w.Errorf("sweep: %+v, %v, want one delivery and the flag", b, err)
	}
	w.must(w.log.Resume(w.ctx, queue, by))
	paused(false)
}

func pauseTwice(w *world) {
	w.ready(1)
	for range 2 {
		w.must(w.log.Pause(w.ctx, queue, by))
	}
	for range 2 {
		w.must(w.log.Resume(w.ctx, queue, by))
	}
	n := map[task.Kind]int{}
	for _, e := range w.events() {
		if n[e.Kind]++; (e.Kind == task.Paused || e.Kind == task.Resumed) && (e.Actor != by.Actor || e.Reason != by.Reason) {
			w.Errorf("event %+v", e)
		}
	}
	if n[task.Paused] != 1 || n[task.Resumed] != 1 {
		w.Errorf("paused %d times, resumed %d times, want 1, 1", n[task.Paused], n[task.Resumed])
	}
}
