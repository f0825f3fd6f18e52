package archive_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/archive"
	"github.com/tidemill/tidemill/task"
)

// TestZip: a packed archive says and proves what the directory does, to the byte the
// same however often it is packed.
func TestZip(t *testing.T) {
	w := newSignedWorld(t)
	path := filepath.Join(t.TempDir(), "a.zip")
	pack := func() []byte {
		var b bytes.Buffer
		w.must(archive.Pack(t.Context(), w.dir, &b))
		return b.Bytes()
	}
	packed := pack()
	if !bytes.Equal(packed, pack()) {
		t.Error("packed twice, it is not the same")
	}
	w.must(os.WriteFile(path, packed, 0o600))
	z, err := archive.OpenZip(path)
	w.must(err)
	got, err := archive.Verify(t.Context(), z, w.key)
	w.must(err)
	if diff := cmp.Diff(w.verify(), got); diff != "" || !got.OK() {
		t.Errorf("verify: want - got +\n%s", diff)
	}
	of := func(b replay.Bucket) (all []task.Event) {
		a, err := archive.Open(t.Context(), b)
		w.must(err)
		for e, err := range a.Events(t.Context(), queue, 0, task.Position{}) {
			w.must(err)
			all = append(all, e)
		}
		return all
	}
	if diff := cmp.Diff(of(w.dir), of(z)); diff != "" {
		t.Errorf("events: want - got +\n%s", diff)
	}
}

// TestZipIsABucket: it reads as one, and writes nothing.
func TestZipIsABucket(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), archive.Dir(t.TempDir())
	for _, name := range []string{"b/2", "b/1", "a", "checkpoints/1"} {
		if err := dir.Put(ctx, name, []byte("in "+name)); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "a.zip")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(archive.Pack(ctx, dir, f), f.Close()); err != nil {
		t.Fatal(err)
	}
	z, err := archive.OpenZip(path)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name, err := range z.List(ctx, "b/") {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if !slices.Equal(names, []string{"b/1", "b/2"}) {
		t.Errorf("got %q", names)
	}
	for _, tt := range []struct {
		from, n int64
		want    string
	}{{0, -1, "in b/1"}, {3, 1, "b"}, {3, 99, "b/1"}, {99, 1, ""}} {
		if got, err := z.Get(ctx, "b/1", tt.from, tt.n); string(got) != tt.want || err != nil {
			t.Errorf("%d bytes from %d on: %q, %v, want %q", tt.n, tt.from, got, err, tt.want)
		}
	}
	if _, err := z.Get(ctx, "b", 0, -1); !errors.Is(err, replay.ErrAbsent) {
		t.Errorf("a folder: %v", err)
	}
	for _, err := range []error{z.Put(ctx, "c", nil), z.Delete(ctx, "a")} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("written: %v", err)
		}
	}
}

// TestZipOfOthers: a file that nobody packed is an error, not a guess.
func TestZipOfOthers(t *testing.T) {
	t.Parallel()
	var compressed bytes.Buffer
	z := zip.NewWriter(&compressed)
	if w, err := z.Create("a"); err != nil {
		t.Fatal(err)
	} else if _, err = w.Write(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for want, content := range map[error][]byte{zip.ErrFormat: []byte("no zip"), zip.ErrAlgorithm: compressed.Bytes()} {
		path := filepath.Join(t.TempDir(), "a.zip")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.OpenZip(path); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}
