package archive_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/archive"
	"github.com/tidemill/tidemill/task"
)

// Archive and log together are the log, wherever the seam is.
func TestMerged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.work(100)
	w.archive()
	w.work(100)
	merged := archive.Merge(w.read(), w.log.Reader())
	live := w.events(w.log.Reader())
	if d := cmp.Diff(live, w.events(merged), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("(-live +merged):\n%s", d[:min(len(d), 2000)])
	}
	var rest []task.Event
	for e, err := range merged.Events(t.Context(), queue, 0, live[len(live)-5].At) {
		w.must(err)
		rest = append(rest, e)
	}
	if len(rest) == 0 || rest[len(rest)-1].At != live[len(live)-1].At {
		t.Errorf("%d events behind the seam", len(rest))
	}
	for _, e := range live {
		if e.Kind != task.Born {
			continue
		}
		want, err := replay.Timeline(t.Context(), w.log.Reader(), e.Task)
		w.must(err)
		got, err := replay.Timeline(t.Context(), merged, e.Task)
		w.must(err)
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("%s (-live +merged):\n%s", e.Task, d[:min(len(d), 2000)])
		}
	}
	r, err := replay.Fsck(t.Context(), merged, w.log.Reader())
	w.must(err)
	if !r.OK() {
		t.Errorf("fsck: %v", r.Problems)
	}
}
