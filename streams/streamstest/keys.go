package streamstest

import (
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

var keyCases = []testCase{
	{"hit", keyHit},
	{"equal keys in one batch", keyBatch},
	{"hit of a waiting task", keyWaiting},
	{"hit of a finished task", keyFinished},
	{"types do not share keys", keyTypes},
	{"a key ends with its ttl", keyTTL},
	{"no ttl is the default", keyDefault},
}

func keyed(key string) task.Birth {
	b := birth(key)
	b.Key, b.KeyTTL = key, time.Hour
	return b
}

func (w *world) enqueued(births ...task.Birth) []streams.Enqueued {
	w.Helper()
	got, err := w.log.Enqueue(w.ctx, births)
	w.must(err)
	return got
}

func keyHit(w *world) {
	first := w.enqueued(keyed("k"))[0]
	again := w.enqueued(birth("before"), keyed("k"), birth("after"))
	if first.Existing || again[0].Existing || again[2].Existing {
		w.Error("a new task is said to exist")
	}
	if want := (streams.Enqueued{ID: first.ID, Existing: true}); again[1] != want {
		w.Errorf("got %v, want %v", again[1], want)
	}
	if st := w.state(first.ID, task.Ready); st.Key != "k" {
		w.Errorf("key %q, want k", st.Key)
	}
	if n := w.stats().Enqueued; n != 3 {
		w.Errorf("enqueued %d, want 3", n)
	}
}

// keyBatch: validation reads before anything is written, so the batch itself
// must notice.
func keyBatch(w *world) {
	got := w.enqueued(keyed("a"), keyed("b"), keyed("a"), birth("none"), keyed("b"), keyed("a"))
	var existing []bool
	for _, e := range got {
		existing = append(existing, e.Existing)
	}
	if d := cmp.Diff([]bool{false, false, true, false, true, true}, existing); d != "" {
		w.Errorf("existing (-want +got):\n%s", d)
	}
	if got[2].ID != got[0].ID || got[5].ID != got[0].ID || got[4].ID != got[1].ID {
		w.Errorf("equal keys, different tasks: %v", got)
	}
	s := w.join()
	w.settle(s, task.OutcomeSuccess, task.Recorded, w.fetch(s, 3)...)
	w.nothing(s)
}

func keyWaiting(w *world) {
	b := keyed("k")
	b.In = time.Hour
	first := w.enqueued(b)[0]
	for _, b := range []task.Birth{b, keyed("k")} { // from either lane
		if got := w.enqueued(b)[0]; got.ID != first.ID || !got.Existing {
			w.Errorf("got %v, want %s", got, first.ID)
		}
	}
	w.state(first.ID, task.Waiting)
}

// keyFinished: the key outlives its task.
func keyFinished(w *world) {
	first := w.enqueued(keyed("k"))[0]
	s := w.join()
	w.settle(s, task.OutcomeSuccess, task.Recorded, w.fetch(s, 1)...)
	if got := w.enqueued(keyed("k"))[0]; got.ID != first.ID || !got.Existing {
		w.Errorf("got %v, want %s", got, first.ID)
	}
}

func keyTypes(w *world) {
	a, b := keyed("k"), keyed("k")
	b.Type = "other"
	got := w.enqueued(a, b)
	if got[1].Existing || got[0].ID == got[1].ID {
		w.Errorf("two types share a key: %v", got)
	}
}

func keyTTL(w *world) {
	b := keyed("k")
	b.KeyTTL = 30 * time.Millisecond
	first := w.enqueued(b)[0]
	w.until("a new task", func() bool { return w.enqueued(b)[0].ID != first.ID })
}

func keyDefault(w *world) {
	b := keyed("k")
	b.KeyTTL = 0
	first := w.enqueued(b)[0]
	if again := w.enqueued(b)[0]; again.ID != first.ID || !again.Existing {
		w.Errorf("got %v, want %s", again, first.ID)
	}
	s := w.join()
	if ttl := w.fetch(s, 1)[0].Opts.KeyTTL; ttl != streams.DefaultKeyTTL {
		w.Errorf("ttl %s, want %s", ttl, streams.DefaultKeyTTL)
	}
}
