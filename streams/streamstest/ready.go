package streamstest

import (
	"time"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

var readyCases = []testCase{
	{"list ready", listReady},
	{"list ready, without what was cancelled", listReadyCancelled},
	{"list ready, filtered", listReadyFiltered},
	{"the end of the log", logEnd},
	{"the clock of the server", serverClock},
}

// listed reads a listing whole.
func (w *world) listed(f streams.Filter) []task.Status {
	w.Helper()
	var all []task.Status
	for st, err := range w.log.Reader().Ready(w.ctx, f) {
		w.must(err)
		if st.State != task.Ready || st.Queue != queue || st.Attempt != 1 || st.EnqueuedAt != st.ID.Time() || len(st.Payload) == 0 {
			w.Errorf("listed %+v", st)
		}
		all = append(all, st)
	}
	return all
}

// order compares the ids of a listing.
func (w *world) order(got []task.Status, want []task.ID) {
	w.Helper()
	if len(got) != len(want) {
		w.Fatalf("listed %d, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i].ID != want[i] {
			w.Fatalf("%d: listed %s, want %s", i, got[i].ID, want[i])
		}
	}
}

// listReady: several pages, in the order of delivery, and nothing that was delivered.
func listReady(w *world) {
	s := w.join()
	w.order(w.listed(streams.Filter{}), nil)
	ids := w.ready(600)
	w.order(w.listed(streams.Filter{}), ids)
	w.fetch(s, 290)
	w.later(time.Hour)
	w.order(w.listed(streams.Filter{}), ids[290:])
	w.fetch(s, 310)
	w.order(w.listed(streams.Filter{}), nil)
}

// listReadyCancelled: the entry of a task that was cancelled before its delivery
// stays in the stream, but will not run. A mark on what runs takes nothing away.
func listReadyCancelled(w *world) {
	s := w.join()
	ids := w.ready(300)
	w.fetch(s, 1)
	for _, i := range []int{0, 1, 7, 298} {
		_, err := w.log.Cancel(w.ctx, ids[i], by)
		w.must(err)
	}
	var want []task.ID
	for i, id := range ids[1:] {
		if i+1 != 1 && i+1 != 7 && i+1 != 298 {
			want = append(want, id)
		}
	}
	w.order(w.listed(streams.Filter{}), want)
}

func listReadyFiltered(w *world) {
	w.join()
	w.ready(300)
	other := birth("other")
	other.Type = "rare"
	ids := w.enqueue(other, other, other)
	w.ready(5)
	w.order(w.listed(streams.Filter{Type: "rare"}), ids)
	w.order(w.listed(streams.Filter{Queue: queue, Type: "rare", Limit: 2}), ids[:2])
}

// logEnd: after it come exactly the events that are written next.
func logEnd(w *world) {
	s := w.join()
	w.settle(s, task.OutcomeDead, task.Recorded, w.held(s, 2)...)
	for _, write := range []func(){
		func() { w.ready(1) },
		func() { w.later(time.Hour) },
	} {
		end, err := w.log.Reader().End(w.ctx, queue, 0)
		w.must(err)
		if all := w.events(); end != all[len(all)-1].At {
			w.Fatalf("end %s, want %s", end, all[len(all)-1].At)
		}
		write()
		n := 0
		for e, err := range w.log.Reader().Events(w.ctx, queue, 0, end) {
			w.must(err)
			if n++; e.At.LSN != end.LSN+1 {
				w.Errorf("%s follows %s", e.At, end)
			}
		}
		if n != 1 {
			w.Errorf("%d events follow, want 1", n)
		}
	}
}

func serverClock(w *world) {
	before, err := w.log.Reader().Now(w.ctx)
	w.must(err)
	id := w.ready(1)[0]
	after, err := w.log.Reader().Now(w.ctx)
	w.must(err)
	if at := id.Birth().Ms; at < before.UnixMilli() || at > after.UnixMilli() {
		w.Errorf("born at %d, between %d and %d", at, before.UnixMilli(), after.UnixMilli())
	}
	info, err := w.log.Reader().Info(w.ctx)
	w.must(err)
	if info["role"] != "master" || info["redis_version"] == "" {
		w.Errorf("info: %v", info)
	}
}
