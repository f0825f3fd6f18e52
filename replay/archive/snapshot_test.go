package archive_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/archive"
	"github.com/tidemill/tidemill/task"
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
		if (m.Fold != "") != (since >= 200) {
			t.Errorf("segment from lsn %d, %d events behind a snapshot: %q", m.From.LSN, since, m.Fold)
		}
		if m.Fold != "" {
			marked, since = marked+1, 0
		}
		since += m.Events
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

// A snapshot that is written because a segment is full changes nothing of the entry
// that begins the next one.
func TestSnapshotBetweenSegments(t *testing.T) {
	t.Parallel()
	l, all := newFakeLog(), []task.ID(nil)
	for range 140_000 {
		all = append(all, l.birth())
	}
	for ids := range slices.Chunk(all, 64) {
		l.succeed(ids...)
	}
	dir := archive.Dir(t.TempDir())
	if err := archive.New(l, dir, archive.Options{Namespace: "ns"}).Snapshots(1000).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	a, err := archive.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	events, folds := int64(0), 0
	for m := range a.All() {
		if events += m.Events; m.Fold != "" {
			folds++
		}
	}
	if r := verified(t, dir); !r.OK() || r.Events != events || folds < 2 {
		t.Errorf("%d events by the manifests, %d snapshots: %+v", events, folds, r)
	}
	for _, m := range a.Segments(queue, 0) {
		i := sort.Search(len(all)-1, func(i int) bool { return all[i].LSN() >= m.From.LSN })
		n := 0
		for e, err := range a.About(t.Context(), queue, 0, task.Position{}, all[i]) {
			if err != nil {
				t.Fatal(err)
			}
			if e.Task == all[i] {
				n++
			}
		}
		if n != 2 {
			t.Errorf("%d events of the first task from lsn %d on, want 2", n, m.From.LSN)
		}
	}
}

// A snapshot that was changed is found, and is not believed; one that was deleted is
// done without.
func TestSnapshotChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 4 {
		w.work(60)
		w.must(w.archiver().Snapshots(200).Once(t.Context()))
	}
	found, err := filepath.Glob(filepath.Join(string(w.dir), queue, "0", "*.fold"))
	w.must(err)
	if len(found) != 1 {
		t.Fatalf("%d snapshots, want one", len(found))
	}
	events := w.events(w.read())
	last := replay.Moment{LSN: events[len(events)-1].At.LSN, Queue: queue}
	want, err := replay.At(t.Context(), w.read(), last)
	w.must(err)

	body, err := os.ReadFile(found[0])
	w.must(err)
	w.must(os.WriteFile(found[0], append(body, 'x'), 0o600))
	r := verified(t, w.dir)
	if r.OK() || len(r.Findings) != 1 || !strings.Contains(r.Findings[0].What, filepath.Base(found[0])) {
		t.Errorf("findings %v, want the snapshot", r.Findings)
	}
	if _, err := replay.At(t.Context(), w.read(), last); !errors.Is(err, archive.ErrDamaged) {
		t.Errorf("the state by a changed snapshot: %v", err)
	}

	w.must(os.Remove(found[0]))
	if r := verified(t, w.dir); !r.OK() {
		t.Errorf("without it: %v", r.Findings)
	}
	got, err := replay.At(t.Context(), w.read(), last)
	w.must(err)
	if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(replay.State{}), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("(-with +without it):\n%s", d)
	}
}
