package archive_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/archive"
	"github.com/tidemill/tidemill/task"
)

// The archive says what the log said, event by event, payloads included, over
// several segments; and fsck finds it true of the live state.
func TestArchiveIsTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 5 {
		w.work(200)
		w.archive()
	}
	a := w.read()
	if n := len(a.Segments(queue, 0)); n != 5 {
		t.Errorf("%d segments, want 5", n)
	}
	live, archived := w.events(w.log.Reader()), w.events(a)
	if d := cmp.Diff(live, archived, cmpopts.EquateEmpty()); d != "" || len(live) < 1500 {
		t.Errorf("%d events, archived %d (-live +archived):\n%s", len(live), len(archived), d[:min(len(d), 2000)])
	}
	r, err := replay.Fsck(t.Context(), a, w.log.Reader())
	w.must(err)
	for _, p := range r.Problems {
		t.Error(p)
	}
	for i, e := range w.events(a.Bare()) {
		if len(e.Payload) > 0 {
			t.Fatalf("event %d has a payload", i)
		}
	}
	for _, from := range []int{1, len(live) / 3, len(live) - 1} { // by time alone
		at, n := live[from].At, 0
		for e, err := range a.Events(t.Context(), queue, 0, task.Position{Ms: at.Ms}) {
			w.must(err)
			if n++; e.At.Ms < at.Ms {
				t.Fatalf("from %d: an event of %d", at.Ms, e.At.Ms)
			}
		}
		want := 0
		for _, e := range live {
			if e.At.Ms >= at.Ms {
				want++
			}
		}
		if n != want {
			t.Errorf("from %d: %d events, want %d", at.Ms, n, want)
		}
	}
	rest := 0
	for range a.Events(t.Context(), queue, 0, live[len(live)/2].At) {
		rest++
	}
	if want := len(live) - len(live)/2; rest < want-300 || rest >= want {
		t.Errorf("%d events behind the middle, want a little less than %d", rest, want)
	}
}

// Nothing new makes no segment, and an archive goes on where it ended.
func TestArchiveTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.work(20)
	w.archive()
	w.archive()
	if n := len(w.read().Segments(queue, 0)); n != 1 {
		t.Errorf("%d segments, want 1", n)
	}
	if _, err := archive.Open(t.Context(), archive.Dir(t.TempDir())); err == nil {
		t.Error("an empty place was opened")
	}
}
