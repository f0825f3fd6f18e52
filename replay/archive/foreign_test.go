package archive_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/replay/archive"
	"github.com/tidemill/tidemill/task"
)

// A foreign object is named: by verify, which goes on, and by whoever would read.
func TestForeignObjects(t *testing.T) {
	t.Parallel()
	w := newSignedWorld(t)
	whole := w.verify()
	manifest, err := os.ReadFile(w.files(".json")[1])
	w.must(err)
	for name, content := range map[string][]byte{
		"q/0/000000000099998.json": []byte("{}"),
		"q/0/000000000099999.json": bytes.Replace(manifest, []byte(`"format": 1`), []byte(`"format": 2`), 1),
		"q/0/copy.json":            manifest,
		"other/x/a.json":           []byte("\x00"),
	} {
		path := filepath.Join(string(w.dir), filepath.FromSlash(name))
		w.must(os.MkdirAll(filepath.Dir(path), 0o750))
		w.must(os.WriteFile(path, content, 0o600))
		r := w.verify()
		if r.OK() || !strings.Contains(fmt.Sprint(r.Findings), name) || r.Entries < whole.Entries || r.Signed != whole.Signed {
			t.Errorf("%s: %+v", name, r)
		}
		if _, err := archive.Open(t.Context(), w.dir); !errors.Is(err, archive.ErrDamaged) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: open: %v", name, err)
		}
		w.must(os.Remove(path))
	}
	for _, name := range []string{"report.json", "q/notes.json", "q/0/deep/a.json", "q/0/" + filepath.Base(w.files(".pay")[0]) + ".bak"} {
		path := filepath.Join(string(w.dir), filepath.FromSlash(name))
		w.must(os.MkdirAll(filepath.Dir(path), 0o750))
		w.must(os.WriteFile(path, []byte("{}"), 0o600))
	}
	if r := w.verify(); !r.OK() || len(w.events(w.read())) == 0 {
		t.Errorf("beside the archive: %v", r.Findings)
	}
}

// Reading up to damage says where it is and what else is there, and that is read.
func TestReadingDamage(t *testing.T) {
	t.Parallel()
	w := newSignedWorld(t)
	all, ms := w.events(w.read()), w.read().Segments(queue, 0)
	m, last := ms[2], ms[3].To.LSN
	want := fmt.Sprintf("q/0 segment %s, frame at byte 0, lsn %d to %d: ", m.Segment, m.From.LSN, m.To.LSN)
	rest := fmt.Sprintf("; there is lsn 1 to %d before it and lsn %d to %d behind it", m.From.LSN-1, m.To.LSN+1, last)
	read := func(after task.Position) (n int, failed error) {
		for _, err := range w.read().Events(t.Context(), queue, 0, after) {
			if failed = err; err == nil {
				n++
			}
		}
		return n, failed
	}
	for what, damage := range map[string]func(){
		"frame is damaged: checksum":    func() { w.edit(w.files(".seg")[2], func(b []byte) []byte { b[40] ^= 1; return b }) },
		"frame is damaged: cut off":     func() { w.edit(w.files(".seg")[2], func(b []byte) []byte { return b[:9] }) },
		"payload file is damaged":       func() { w.edit(w.files(".pay")[2], func(b []byte) []byte { return b[:9] }) },
		"damaged: get q/0/" + m.Segment: func() { w.must(os.Remove(w.files(".seg")[2])) },
	} {
		seg, err := os.ReadFile(w.files(".seg")[2])
		w.must(err)
		pay, err := os.ReadFile(w.files(".pay")[2])
		w.must(err)
		sn, pn := w.files(".seg")[2], w.files(".pay")[2]
		damage()
		before, failed := read(task.Position{})
		if failed == nil || !errors.Is(failed, archive.ErrDamaged) || !strings.Contains(failed.Error(), want) ||
			!strings.Contains(failed.Error(), what) || !strings.HasSuffix(failed.Error(), rest) {
			t.Errorf("got %v, want %s%s%s", failed, want, what, rest)
		}
		behind, failed := read(m.To)
		if failed != nil || before == 0 || behind == 0 || before+behind >= len(all) {
			t.Errorf("%s: %d before, %d behind, of %d: %v", what, before, behind, len(all), failed)
		}
		w.must(os.WriteFile(sn, seg, 0o600))
		w.must(os.WriteFile(pn, pay, 0o600))
	}
}

// TestOneNamespace: an archive takes the log of one namespace. What was mixed all the
// same is found, and not signed.
func TestOneNamespace(t *testing.T) {
	t.Parallel()
	w := newSignedWorld(t)
	other := newWorld(t)
	other.work(10)
	err := archive.New(archive.Of(other.log.Reader()), w.dir, archive.Options{Namespace: other.ns}).Once(t.Context())
	if !errors.Is(err, archive.ErrForeign) {
		t.Fatalf("archived into another's: %v", err)
	}
	if behind, err := other.log.Reader().Behind(t.Context(), queue); err != nil || len(behind) > 0 {
		t.Errorf("cursors %v, %v: trim would wait", behind, err)
	}
	w.edit(w.files(".json")[len(w.files(".json"))-1], func(b []byte) []byte {
		return bytes.Replace(b, []byte(w.ns), []byte(other.ns), 1)
	})
	r, err := archive.Verify(t.Context(), w.dir, nil)
	w.must(err)
	if got := fmt.Sprint(r.Findings); !strings.Contains(got, "the segment is of namespace") {
		t.Errorf("found %s", got)
	}
}
