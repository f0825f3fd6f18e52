package archive_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tidemill/tidemill/replay"
)

// The state at any moment is the same with and without snapshots.
func TestSnapshots(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 10 {
		w.work(40)
		w.archive()
	}
	a := w.read()
	found, err := filepath.Glob(filepath.Join(string(w.dir), queue, "0", "*.fold"))
	w.must(err)
	if len(found) != 2 {
		t.Fatalf("%d snapshots of 10 segments, want 2", len(found))
	}
	events := w.events(a)
	at := func() (all []*replay.State) {
		for i := range 40 {
			e := events[i*len(events)/40]
			s, err := replay.At(t.Context(), a, replay.Moment{LSN: e.At.LSN, Queue: queue})
			w.must(err)
			all = append(all, s)
		}
		return all
	}
	with := at()
	for _, name := range found {
		w.must(os.Remove(name))
	}
	if d := cmp.Diff(at(), with, cmpopts.IgnoreUnexported(replay.State{}), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("(-without +with snapshots):\n%s", d)
	}
}
