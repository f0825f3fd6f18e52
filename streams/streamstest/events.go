package streamstest

import (
	"slices"

	"github.com/tidemill/tidemill/task"
)

var eventCases = []testCase{
	{"pages of both streams, merged", eventPages},
	{"from a position", eventsAfter},
}

// eventPages: more than a page of each stream, alternating in runs of any length.
func eventPages(w *world) {
	s := w.join()
	for _, n := range []int{1, 262, 2} {
		ds := w.held(s, n)
		for len(ds) > 0 {
			m := min(len(ds), 64)
			w.settle(s, task.OutcomeDead, task.Recorded, ds[:m]...)
			ds = ds[m:]
		}
	}
	events := w.events()
	lsn := int64(0)
	for _, e := range events {
		if e.At.LSN != lsn+1 {
			w.Fatalf("lsn %d follows %d", e.At.LSN, lsn)
		}
		lsn++
		if e.Queue != queue {
			w.Fatalf("queue %q", e.Queue)
		}
	}
	if want := w.stats().LSN; lsn != want {
		w.Errorf("read up to %d, want %d", lsn, want)
	}
}

func eventsAfter(w *world) {
	s := w.join()
	w.settle(s, task.OutcomeSuccess, task.Recorded, w.held(s, 40)...)
	w.settle(s, task.OutcomeDead, task.Recorded, w.held(s, 40)...)
	all := w.events()
	for _, from := range []int{0, 1, 40, 41, 60, len(all) - 2, len(all) - 1} {
		after := all[from].At
		want := slices.IndexFunc(all, func(e task.Event) bool { return e.At == after }) // its first item
		for want < len(all) && all[want].At == after {
			want++
		}
		n := 0
		for e, err := range w.log.Reader().Events(w.ctx, queue, 0, after) {
			w.must(err)
			if e.At != all[want+n].At || e.Item != all[want+n].Item {
				w.Fatalf("after %s: event %d at %s, want %s", after, n, e.At, all[want+n].At)
			}
			if n++; n == 30 {
				break // a reader may stop anywhere
			}
		}
		if n != min(30, len(all)-want) {
			w.Errorf("after %s: %d events, want %d", after, n, min(30, len(all)-want))
		}
	}
}
