package streamstest

import (
	"errors"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

var retentionCases = []testCase{
	{"set, told, taken back", retentionTold},
	{"is the queue's, not the nodes'", retentionOverrides},
	{"refused", retentionRefused},
	{"a hold", holdSpares},
	{"a hold by time, and from the end on", holdByTime},
	{"a hold below the floor", holdLate},
	{"a hold never holds less", holdWidens},
	{"refused holds", holdRefused},
}

// told lists what the log tells of retention, and checks who says it.
func (w *world) told() (extras []string) {
	w.Helper()
	for _, e := range w.events() {
		if e.Kind != task.RetentionSet {
			continue
		}
		if e.Actor != by.Actor || e.Reason != by.Reason {
			w.Errorf("event %+v", e)
		}
		extras = append(extras, string(e.Extra))
	}
	return extras
}

func (w *world) equal(what string, got, want any) {
	w.Helper()
	if d := cmp.Diff(want, got); d != "" {
		w.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func retentionTold(w *world) {
	w.ready(1)
	for _, keep := range []streams.Retention{{}, {Age: time.Hour, Bytes: 5}, {Age: time.Hour, Bytes: 5}, {Dead: time.Minute}, {}, {}} {
		w.must(w.log.SetRetention(w.ctx, queue, keep, by))
		got, err := w.log.Reader().Retention(w.ctx, queue)
		w.must(err)
		w.equal("retention", got, []streams.Retention{keep})
	}
	w.equal("events", w.told(), []string{"keep 3600000 5 -", "keep - - 60000", "keep - - -"})
}

func retentionOverrides(w *world) {
	s := w.join()
	dead := w.die(s, birth("dead"))
	w.filler(300)
	trim := func(nodes streams.Retention) int64 {
		w.Helper()
		start := w.stats().NowMs
		w.until("old enough", func() bool { return w.stats().NowMs > start+2 })
		_, err := w.log.Trim(w.ctx, queue, 0, "me", nodes)
		w.must(err)
		return w.stats().Floor
	}
	nodes := streams.Retention{Age: time.Millisecond, Bytes: 1, Dead: time.Millisecond}
	w.must(w.log.SetRetention(w.ctx, queue, streams.Retention{Age: time.Hour, Bytes: 1 << 30, Dead: time.Hour}, by))
	if floor := trim(nodes); floor != 1 {
		w.Errorf("floor %d: the nodes' retention was taken", floor)
	}
	w.state(dead, task.Dead)
	w.must(w.log.SetRetention(w.ctx, queue, nodes, by))
	if floor := trim(streams.Retention{}); floor < 300 {
		w.Errorf("floor %d: the queue's retention was not taken", floor)
	}
	if got := w.stats(); got.Dead != 0 || got.Purged != 1 {
		w.Errorf("stats %+v, want none dead", got)
	}
}

func retentionRefused(w *world) {
	w.ready(1)
	for _, keep := range []streams.Retention{{Age: -1}, {Bytes: -1}, {Dead: -1}, {Age: time.Microsecond}} {
		if err := w.log.SetRetention(w.ctx, queue, keep, by); !errors.Is(err, task.ErrInvalidOption) {
			w.Errorf("%+v: %v, want %v", keep, err, task.ErrInvalidOption)
		}
	}
	if err := w.log.SetRetention(w.ctx, queue, streams.Retention{}, streams.By{Actor: "a"}); !errors.Is(err, task.ErrInvalidOption) {
		w.Errorf("without a reason: %v", err)
	}
	if err := w.log.SetRetention(w.ctx, "nowhere", streams.Retention{Bytes: 1}, by); !errors.Is(err, task.ErrNotFound) {
		w.Errorf("of no queue: %v", err)
	}
	if _, err := w.log.Reader().Retention(w.ctx, "nowhere"); !errors.Is(err, task.ErrNotFound) {
		w.Errorf("of no queue: %v", err)
	}
}

// hold registers one on the one partition.
func (w *world) hold(name string, from streams.HoldFrom) streams.Hold {
	w.Helper()
	all, err := w.log.Hold(w.ctx, name, queue, from, by)
	w.must(err)
	if len(all) != 1 || all[0].Name != name || all[0].Queue != queue {
		w.Fatalf("hold: %+v", all)
	}
	return all[0]
}

func holdSpares(w *world) {
	w.filler(300)
	at := w.events()[120].At
	h := w.hold("case-1", streams.HoldFrom{LSN: at.LSN})
	if h.From != at || h.Begins {
		w.Errorf("hold %+v, want from %s", h, at)
	}
	w.hold("case-2", streams.HoldFrom{LSN: at.LSN + 50})
	for range 2 {
		w.filler(50)
		if floor := w.trim(); floor != at.LSN {
			w.Errorf("floor %d, held from %d", floor, at.LSN)
		}
	}
	all, err := w.log.Reader().Holds(w.ctx, queue)
	w.must(err)
	if len(all) != 2 || all[0].From != at || all[1].Name != "case-2" || all[1].From.LSN != at.LSN+50 {
		w.Errorf("holds %+v", all)
	}
	w.must(w.log.EndHold(w.ctx, "case-1", queue, by))
	if err := w.log.EndHold(w.ctx, "case-1", queue, by); !errors.Is(err, task.ErrNotFound) {
		w.Errorf("released twice: %v", err)
	}
	if floor := w.trim(); floor != at.LSN+50 {
		w.Errorf("floor %d, held from %d", floor, at.LSN+50)
	}
	told := w.told()
	w.equal("events", told, []string{"hold case-1 " + at.String(), "hold case-2 " + all[1].From.String(), "release case-1"})
	w.must(w.log.EndHold(w.ctx, "case-2", queue, by))
	if floor := w.trim(); floor <= at.LSN+50 {
		w.Errorf("floor %d, nothing is held", floor)
	}
}

func holdByTime(w *world) {
	w.filler(300)
	var want task.Position
	all := w.events()
	for _, e := range all {
		if e.At.Ms >= all[150].At.Ms {
			want = e.At
			break
		}
	}
	if h := w.hold("then", streams.HoldFrom{Time: time.UnixMilli(want.Ms)}); h.From != want {
		w.Errorf("hold %+v, want from %s", h, want)
	}
	if floor := w.trim(); floor != want.LSN {
		w.Errorf("floor %d, held from %s", floor, want)
	}
	w.must(w.log.EndHold(w.ctx, "then", queue, by))
	for name, from := range map[string]streams.HoldFrom{"time": {Time: time.Now().Add(time.Hour)}, "lsn": {LSN: 1 << 40}} {
		next := w.stats().LSN + 1
		if h := w.hold(name, from); h.From.LSN != next {
			w.Errorf("hold %+v, want from %d", h, next)
		}
	}
}

// holdLate: it says from where on it really holds, and that is held.
func holdLate(w *world) {
	w.filler(300)
	floor := w.trim()
	for name, from := range map[string]streams.HoldFrom{"time": {Time: time.UnixMilli(1)}, "lsn": {LSN: 1}} {
		if h := w.hold(name, from); h.From.LSN != floor || !h.Begins {
			w.Errorf("hold %+v, want from %d", h, floor)
		}
	}
	w.filler(300)
	if now := w.trim(); now != floor {
		w.Errorf("floor %d, held from %d", now, floor)
	}
}

func holdWidens(w *world) {
	w.filler(100)
	first := w.hold("case", streams.HoldFrom{LSN: 60})
	for _, lsn := range []int64{60, 61, 100} {
		if h := w.hold("case", streams.HoldFrom{LSN: lsn}); h != first {
			w.Errorf("from %d: %+v, want %+v", lsn, h, first)
		}
	}
	if h := w.hold("case", streams.HoldFrom{LSN: 20}); h.From.LSN != 20 {
		w.Errorf("hold %+v, want from 20", h)
	}
	if told := w.told(); len(told) != 2 {
		w.Errorf("events %q, want 2", told)
	}
}

func holdRefused(w *world) {
	w.ready(1)
	now := streams.HoldFrom{LSN: 1}
	for _, c := range []struct {
		name string
		from streams.HoldFrom
		by   streams.By
		q    task.Queue
		want error
	}{
		{"", now, by, queue, task.ErrInvalidName},
		{"a/b", now, by, queue, task.ErrInvalidName},
		{"n", streams.HoldFrom{}, by, queue, task.ErrInvalidOption},
		{"n", streams.HoldFrom{LSN: -1}, by, queue, task.ErrInvalidOption},
		{"n", streams.HoldFrom{LSN: 1, Time: time.Now()}, by, queue, task.ErrInvalidOption},
		{"n", now, streams.By{Reason: "r"}, queue, task.ErrInvalidOption},
		{"n", now, by, "nowhere", task.ErrNotFound},
	} {
		if _, err := w.log.Hold(w.ctx, c.name, c.q, c.from, c.by); !errors.Is(err, c.want) {
			w.Errorf("%+v: %v", c, err)
		}
	}
	if err := w.log.EndHold(w.ctx, "n", queue, by); !errors.Is(err, task.ErrNotFound) {
		w.Errorf("release of no hold: %v", err)
	}
	if told := w.told(); told != nil {
		w.Errorf("events %q", told)
	}
}
