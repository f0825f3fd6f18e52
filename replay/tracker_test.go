package replay

import (
	"testing"

	"github.com/tidemill/tidemill/task"
)

// bulk is a log of n tasks that are enqueued first and succeed then, one entry
// for each thing.
func bulk(n int64) []task.Event {
	var log []task.Event
	for i := range n {
		at := task.Position{Ms: 1000 + i, LSN: i + 1}
		log = append(log, task.Event{Kind: task.Born, At: at, Task: task.NewID(0, 1, at), Type: "t", Attempt: 1})
	}
	for i := range n {
		e := log[i]
		log = append(log, task.Event{Kind: task.OutcomeSuccess, At: task.Position{Ms: 9000 + i, LSN: n + i + 1}, Task: e.Task, Prev: e.At, Attempt: 1, Ran: 1000})
	}
	return log
}

// TestTrackerForgets: its memory is that of the open tasks.
func TestTrackerForgets(t *testing.T) {
	t.Parallel()
	log := bulk(100)
	tr := newTracker(part{src: one(log), queue: "q"})
	for i := range log {
		if err := tr.complete(t.Context(), &log[i]); err != nil || log[i].Type != "t" {
			t.Fatalf("got %+v, %v", log[i], err)
		}
	}
	if len(tr.tasks)+len(tr.entries)+len(tr.near) != 0 {
		t.Errorf("got %+v", tr)
	}
}

// TestTrackerLooksUpOnce: births that stand together are found together.
func TestTrackerLooksUpOnce(t *testing.T) {
	t.Parallel()
	src := one(bulk(2000))
	got := 0
	for _, err := range Select(t.Context(), src, Filter{Types: []task.Type{"t"}, FromLSN: 2001, Kinds: []task.Kind{task.OutcomeSuccess}}, Cursor{"q/0": {At: task.Position{Ms: 2999, LSN: 2000}}}) {
		if err != nil {
			t.Fatal(err)
		}
		got++
	}
	if got != 2000 || src.read > 5000 {
		t.Errorf("got %d events, %d were read", got, src.read)
	}
}

// TestSelectPasses: what nobody asked for is read once, too.
func TestSelectPasses(t *testing.T) {
	t.Parallel()
	src, c := one(bulk(100)), Cursor{}
	for range 2 {
		for e, err := range Select(t.Context(), src, Filter{Kinds: []task.Kind{task.Paused}}, c) {
			t.Errorf("got %+v, %v", e, err)
		}
	}
	if src.read > 201 {
		t.Errorf("read %d events", src.read)
	}
}
