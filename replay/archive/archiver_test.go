package archive_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/archive"
	"github.com/tidemill/tidemill/task"
)

func verified(t *testing.T, b replay.Bucket) *archive.Report {
	t.Helper()
	r, err := archive.Verify(t.Context(), b, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// An archiver that fails or dies at any put, its work done or not, loses nothing
// and leaves nothing twice; trim is held back until it is there.
func TestArchiverDies(t *testing.T) {
	t.Parallel()
	for fail := int64(1); fail <= 6; fail++ {
		for _, after := range []bool{false, true} {
			l, dir := newFakeLog(), archive.Dir(t.TempDir())
			b := &flaky{Bucket: dir, fail: fail, after: after}
			for range 2 {
				l.succeed(l.birth(), l.birth())
				err := l.archiveInto(t, b)
				if err != nil && !errors.Is(err, errDisk) {
					t.Fatal(err)
				}
				if a, err := archive.Open(t.Context(), dir); err == nil {
					ms := a.Segments(queue, 0)
					if end := ms[len(ms)-1].To; l.spared.LSN > end.LSN+1 {
						t.Errorf("put %d fails: trim may cut at %d, the archive ends at %d", fail, l.spared.LSN, end.LSN)
					}
				}
			}
			if err := l.archiveInto(t, dir); err != nil {
				t.Fatal(err)
			}
			if r := verified(t, dir); !r.OK() || r.Entries != int64(len(l.entries)) {
				t.Errorf("put %d fails, done %t: %d entries of %d, %v", fail, after, r.Entries, len(l.entries), r.Findings)
			}
			if want := l.lsn + 1; l.spared.LSN != want {
				t.Errorf("trim may cut at %d, want %d", l.spared.LSN, want)
			}
		}
	}
}

// An archiver does not go on behind damage, and nothing more is trimmed, until it is
// repaired.
func TestArchiverStopsAtDamage(t *testing.T) {
	t.Parallel()
	cut := func(b []byte) []byte { return b[:len(b)/2] }
	for name, tt := range map[string]struct {
		files string
		with  func([]byte) []byte // nil: it is gone
	}{
		"a damaged manifest":         {"*.json", cut},
		"a foreign manifest":         {"*.json", func([]byte) []byte { return []byte("{}") }},
		"a damaged last segment":     {"*.seg", cut},
		"a changed last segment":     {"*.seg", func(b []byte) []byte { b[30] ^= 1; return b }},
		"the last segment is gone":   {"*.seg", nil},
		"a manifest of newer format": {"*.json", func(b []byte) []byte { return bytes.Replace(b, []byte(`"format": 1`), []byte(`"format": 2`), 1) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, dir := newFakeLog(), archive.Dir(t.TempDir())
			w := &world{T: t}
			l.succeed(l.birth())
			w.must(l.archiveInto(t, dir))
			at := l.spared
			found, err := filepath.Glob(filepath.Join(string(dir), queue, "0", tt.files))
			if err != nil || len(found) != 1 {
				t.Fatal(found, err)
			}
			body, err := os.ReadFile(found[0])
			w.must(err)
			w.must(os.Remove(found[0]))
			if tt.with != nil {
				w.must(os.WriteFile(found[0], tt.with(bytes.Clone(body)), 0o600))
			}
			l.succeed(l.birth())
			for range 2 {
				if err := l.archiveInto(t, dir); !errors.Is(err, archive.ErrDamaged) || l.spared != at {
					t.Errorf("%v; trim may cut at %v, before the damage at %v", err, l.spared, at)
				}
			}
			w.must(os.WriteFile(found[0], body, 0o600))
			w.must(l.archiveInto(t, dir))
			if r := verified(t, dir); !r.OK() || r.Entries != int64(len(l.entries)) || l.spared.LSN != l.lsn+1 {
				t.Errorf("repaired: %+v, trim may cut at %v", r, l.spared)
			}
		})
	}
}

// Two archivers at once: one of them wins each segment.
func TestTwoArchivers(t *testing.T) {
	t.Parallel()
	l, dir := newFakeLog(), archive.Dir(t.TempDir())
	for range 500 {
		l.succeed(l.birth())
	}
	errs := make(chan error, 4)
	for range cap(errs) {
		go func() { errs <- archive.New(l.copy(), dir, archive.Options{Namespace: "ns"}).Once(t.Context()) }()
	}
	won := 0
	for range cap(errs) {
		switch err := <-errs; {
		case err == nil:
			won++
		case !errors.Is(err, archive.ErrBehind):
			t.Error(err)
		}
	}
	if r := verified(t, dir); !r.OK() || r.Entries != int64(len(l.entries)) || won == 0 {
		t.Errorf("%d won, %+v", won, r)
	}
}

func (l *fakeLog) copy() *fakeLog {
	c := *l
	return &c
}

// After a failover that lost a tail which was archived, readers leave it out, the
// loss report has it, and verify explains the gap.
func TestArchiveAheadOfRedis(t *testing.T) {
	t.Parallel()
	l, dir := newFakeLog(), archive.Dir(t.TempDir())
	kept := l.birth()
	survived := l.lsn
	gone := l.birth()
	l.succeed(kept)
	if err := l.archiveInto(t, dir); err != nil {
		t.Fatal(err)
	}
	l.failover(survived)
	later := l.birth()
	l.succeed(later, kept)
	if err := l.archiveInto(t, dir); err != nil {
		t.Fatal(err)
	}
	r := verified(t, dir)
	if !r.OK() || len(r.Findings) != 1 || r.Findings[0].Tampered {
		t.Errorf("findings %v, want one explained gap", r.Findings)
	}
	a, err := archive.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	folds, err := replay.Fold(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	f := folds[0]
	if len(f.Violations) > 0 || f.Tasks[gone] != nil || f.Tasks[kept].State != task.Succeeded || f.Tasks[later].State != task.Succeeded {
		t.Errorf("fold: %v, tasks %v", f.Violations, f.Tasks)
	}
	var lost []task.Kind
	for e, err := range a.Lost(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		lost = append(lost, e.Kind)
	}
	if len(lost) != 2 || lost[0] != task.Born || lost[1] != task.OutcomeSuccess {
		t.Errorf("lost %v, want a birth and a success", lost)
	}
}

// during is a bucket that does something before its first put.
type during struct {
	replay.Bucket
	do func()
}

func (d *during) Put(ctx context.Context, name string, b []byte) error {
	if do := d.do; do != nil {
		d.do = nil
		do()
	}
	return d.Bucket.Put(ctx, name, b)
}

// An archiver that stood still over a failover puts nothing beside what another wrote
// of the new life.
func TestArchiverOverAFailover(t *testing.T) {
	t.Parallel()
	for _, survived := range []int64{21, 25} { // what was archived, and more
		l, dir := newFakeLog(), archive.Dir(t.TempDir())
		births := func(n int) {
			for range n {
				l.birth()
			}
		}
		births(20)
		if err := l.archiveInto(t, dir); err != nil {
			t.Fatal(err)
		}
		births(20)
		slow := &during{Bucket: dir, do: func() {
			l.failover(survived)
			births(1)
			if err := l.archiveInto(t, dir); err != nil {
				t.Error(err)
			}
		}}
		if err := l.archiveInto(t, slow); !errors.Is(err, archive.ErrBehind) {
			t.Errorf("survived %d: %v, want that another was first", survived, err)
		}
		births(1)
		if err := l.archiveInto(t, dir); err != nil {
			t.Fatal(err)
		}
		if r := verified(t, dir); !r.OK() || r.Entries != int64(len(l.entries)) {
			t.Errorf("survived %d: %+v, want %d entries", survived, r, len(l.entries))
		}
	}
}
