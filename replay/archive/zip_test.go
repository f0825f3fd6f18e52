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
	for _, name := range []string{"b/0/2.seg", "b/0/1.json", "key", "b/0/key", "self.zip", "checkpoints/1.note"} {
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
	if want := []string{"b/0/1.json", "b/0/2.seg"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	for _, name := range []string{"key", "b/0/key", "self.zip"} {
		if _, err := z.Get(ctx, name, 0, -1); !errors.Is(err, replay.ErrAbsent) {
			t.Errorf("%s, which is none of an archive, was packed: %v", name, err)
		}
	}
	for _, tt := range []struct {
		from, n int64
		want    string
	}{{0, -1, "in b/0/1.json"}, {3, 1, "b"}, {3, 99, "b/0/1.json"}, {99, 1, ""}} {
		if got, err := z.Get(ctx, "b/0/1.json", tt.from, tt.n); string(got) != tt.want || err != nil {
			t.Errorf("%d bytes from %d on: %q, %v, want %q", tt.n, tt.from, got, err, tt.want)
		}
	}
	if _, err := z.Get(ctx, "b", 0, -1); !errors.Is(err, replay.ErrAbsent) {
		t.Errorf("a folder: %v", err)
	}
	for _, err := range []error{z.Put(ctx, "c", nil), z.Delete(ctx, "b/0/2.seg")} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("written: %v", err)
		}
	}
}

// TestZipOfOthers: a file that nobody packed is an error, not a guess.
func TestZipOfOthers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		content []byte
		want    error
	}{
		"no zip":           {[]byte("no zip"), zip.ErrFormat},
		"compressed":       {zipped(t, zip.Deflate, "a"), zip.ErrAlgorithm},
		"a name twice":     {zipped(t, zip.Store, "a", "b", "a"), zip.ErrFormat},
		"two in one place": {moved(t, zipped(t, zip.Store, "a", "a")), zip.ErrFormat},
	} {
		path := filepath.Join(t.TempDir(), "a.zip")
		if err := os.WriteFile(path, tt.content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.OpenZip(path); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}

// zipped has objects of some bytes.
func zipped(t *testing.T, method uint16, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err == nil {
			_, err = w.Write(make([]byte, 1000))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// moved lets the last object of the directory stand where the first one does, under
// another name.
func moved(t *testing.T, b []byte) []byte {
	t.Helper()
	const header, offset, name = "PK\x01\x02", 42, 46
	at := bytes.LastIndex(b, []byte(header))
	if at < 0 {
		t.Fatal("no directory")
	}
	copy(b[at+offset:], []byte{0, 0, 0, 0})
	b[at+name] = 'b'
	return b
}
