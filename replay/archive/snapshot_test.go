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
		w.must(w.archiver().Snapshots(200).Once(t.Context()))
	}
	a := w.read()
	found, err := filepath.Glob(filepath.Join(string(w.dir), queue, "0", "*.fold"))
	w.must(err)
	marked, since := 0, int64(0)
	for m := range a.All() {
		if since += m.Events; m.Snapshot != (since >= 200) {
			t.Errorf("segment to lsn %d, %d events behind a snapshot: marked %t", m.To.LSN, since, m.Snapshot)
		}
		if m.Snapshot {
			marked, since = marked+1, 0
		}
	}
	if marked < 2 || marked > 5 || len(found) != marked {
		t.Fatalf("%d snapshots of 10 segments, %d are marked", len(found), marked)
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
