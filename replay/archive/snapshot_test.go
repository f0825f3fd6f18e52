package archive_test

import (
	"context"
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

// foldless is a bucket whose next get or put of a snapshot fails.
type foldless struct {
	replay.Bucket
	get, put bool
}

func (f *foldless) Get(ctx context.Context, name string, from, n int64) ([]byte, error) {
	if f.get && strings.HasSuffix(name, ".fold") {
		f.get = false
		return nil, errDisk
	}
	return f.Bucket.Get(ctx, name, from, n)
}

func (f *foldless) Put(ctx context.Context, name string, b []byte) error {
	if f.put && strings.HasSuffix(name, ".fold") {
		f.put = false
		return errDisk
	}
	return f.Bucket.Put(ctx, name, b)
}

// No manifest names a snapshot that this archiver has not seen in its place: that of
// another version may be there already.
func TestSnapshotOfAnotherVersion(t *testing.T) {
	t.Parallel()
	for _, fails := range []string{"nothing", "get", "put"} {
		l, dir := newFakeLog(), archive.Dir(t.TempDir())
		b := &foldless{Bucket: dir}
		births := func(n int) (told []error) {
			for range n {
				l.birth()
			}
			o := archive.Options{Namespace: "ns", Failed: func(err error) { told = append(told, err) }}
			if err := archive.New(l, b, o).Snapshots(10).Once(t.Context()); err != nil {
				t.Fatal(err)
			}
			return told
		}
		births(20)
		name := filepath.Join(string(dir), queue, "0", "00001-000000000000022.fold")
		if err := os.WriteFile(name, []byte("as another version packs it"), 0o600); err != nil {
			t.Fatal(err)
		}
		b.get, b.put = fails == "get", fails == "put"
		if told := births(1); (len(told) == 1) != (fails != "nothing") {
			t.Errorf("%s fails: told of %v", fails, told)
		}
		births(1)
		births(20)
		if r := verified(t, dir); !r.OK() {
			t.Errorf("%s fails: findings %v", fails, r.Findings)
		}
	}
}

// Behind damage in the past everything is archived all the same, without snapshots.
func TestSnapshotOfADamagedPast(t *testing.T) {
	t.Parallel()
	l, dir, told := newFakeLog(), archive.Dir(t.TempDir()), 0
	once := func(births int) {
		for range births {
			l.birth()
		}
		o := archive.Options{Namespace: "ns", Failed: func(err error) {
			if told++; !errors.Is(err, archive.ErrDamaged) {
				t.Errorf("told of %v", err)
			}
		}}
		if err := archive.New(l, dir, o).Snapshots(100_000).Once(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	once(500)
	once(10)
	segments, err := filepath.Glob(filepath.Join(string(dir), queue, "0", "*.seg"))
	if err != nil || len(segments) != 2 {
		t.Fatal(segments, err)
	}
	body, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	body[len(body)/4] ^= 1
	if err := os.WriteFile(segments[0], body, 0o600); err != nil {
		t.Fatal(err)
	}
	once(400_000)
	a, err := archive.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	ms := a.Segments(queue, 0)
	if last := ms[len(ms)-1].To.LSN; last != l.lsn || told == 0 || told > 4 {
		t.Errorf("archived up to lsn %d of %d, told %d times", last, l.lsn, told)
	}
}
