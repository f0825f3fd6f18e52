package archive_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/tidemill/tidemill/replay/archive"
)

// signedWorld is an archive of several segments with a checkpoint behind each.
type signedWorld struct {
	*world
	key     note.Verifier
	private string
	public  string
}

func newSignedWorld(t *testing.T) *signedWorld {
	t.Helper()
	w := &signedWorld{world: newWorld(t)}
	var err error
	w.private, w.public, err = archive.NewKey("auditor")
	w.must(err)
	w.key, err = note.NewVerifier(w.public)
	w.must(err)
	signer, err := archive.NewSigner(w.dir, w.private, w.public)
	w.must(err)
	for range 4 {
		w.work(60)
		w.archive()
		_, err := signer.Sign(t.Context())
		w.must(err)
	}
	_, err = signer.Sign(t.Context()) // nothing happened: a heartbeat
	w.must(err)
	return w
}

func (w *signedWorld) verify() *archive.Report {
	w.Helper()
	r, err := archive.Verify(w.Context(), w.dir, w.key)
	w.must(err)
	return r
}

// files of the archive's only partition with an ending, in order.
func (w *signedWorld) files(ending string) []string {
	w.Helper()
	all, err := filepath.Glob(filepath.Join(string(w.dir), queue, "0", "*"+ending))
	w.must(err)
	slices.Sort(all)
	return all
}

// edit changes a file.
func (w *signedWorld) edit(name string, change func([]byte) []byte) {
	w.Helper()
	b, err := os.ReadFile(name)
	w.must(err)
	w.must(os.WriteFile(name, change(b), 0o600))
}

func swap(w *signedWorld, a, b string) {
	w.Helper()
	w.must(os.Rename(a, a+".x"))
	w.must(os.Rename(b, a))
	w.must(os.Rename(a+".x", b))
}

func TestVerify(t *testing.T) {
	t.Parallel()
	w := newSignedWorld(t)
	r := w.verify()
	for _, f := range r.Findings {
		t.Error(f)
	}
	if r.Segments != 4 || r.Checkpoints != 5 || r.Entries == 0 || r.Signed != r.Entries || r.Payloads < 240 || r.Erased != 0 {
		t.Errorf("report %+v", r)
	}
	w.work(10)
	w.archive()
	if r := w.verify(); !r.OK() || r.Signed >= r.Entries {
		t.Errorf("with an unsigned tail: %+v", r)
	}
}

// What a manifest says of sizes is not believed: whoever reads it neither panics nor
// takes memory for it.
func TestManifestsThatLie(t *testing.T) {
	t.Parallel()
	const damaged, nodes = "is damaged", "nodes of the tree"
	for _, tt := range []struct{ field, value, want string }{
		{"hashes", "[9223372036854775807,1]", nodes},
		{"hashes", "[1,9223372036854775807]", nodes},
		{"hashes", "[-1,1]", damaged},
		{"partition", "30000000", damaged},
		{"bloom", "[1,9223372036854775807]", damaged},
		{"size", "9223372036854775807", damaged},
	} {
		w := newSignedWorld(t)
		w.edit(w.files(".json")[3], func(b []byte) []byte {
			var m map[string]json.RawMessage
			w.must(json.Unmarshal(b, &m))
			if m[tt.field] == nil {
				t.Fatalf("no field %s in %s", tt.field, b)
			}
			m[tt.field] = json.RawMessage(tt.value)
			b, err := json.Marshal(m)
			w.must(err)
			return b
		})
		r, err := archive.Verify(t.Context(), w.dir, w.key)
		w.must(err)
		if got := fmt.Sprint(r.Findings); !strings.Contains(got, tt.want) {
			t.Errorf("%s %s: found %s, want %q", tt.field, tt.value, got, tt.want)
		}
	}
}

// Each way to change an archive is noticed, and where.
func TestTampers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		tamper func(w *signedWorld)
		want   string // part of the first finding
	}{
		"a flipped bit": {func(w *signedWorld) {
			w.edit(w.files(".seg")[1], func(b []byte) []byte { b[100] ^= 4; return b })
		}, "frame is damaged: checksum"},
		"a flipped bit behind the frames": {func(w *signedWorld) {
			w.edit(w.files(".seg")[1], func(b []byte) []byte { b[len(b)-1] ^= 4; return b })
		}, "lsn"},
		"a truncated segment": {func(w *signedWorld) {
			w.edit(w.files(".seg")[2], func(b []byte) []byte { return b[:len(b)/2] })
		}, "cut off"},
		"an appended byte": {func(w *signedWorld) {
			w.edit(w.files(".seg")[2], func(b []byte) []byte { return append(b, 0) })
		}, "the file is not the one that was written"},
		"a missing segment":          {func(w *signedWorld) { w.must(os.Remove(w.files(".seg")[1])) }, "the segment is missing"},
		"a missing manifest":         {func(w *signedWorld) { w.must(os.Remove(w.files(".json")[1])) }, "does not continue the manifest before it"},
		"the first manifest missing": {func(w *signedWorld) { w.must(os.Remove(w.files(".json")[0])) }, "the segment before it is missing"},
		"all manifests missing": {func(w *signedWorld) {
			for _, name := range w.files(".json") {
				w.must(os.Remove(name))
			}
		}, "the partition is gone"},
		"the last segments missing": {func(w *signedWorld) {
			w.must(os.Remove(w.files(".json")[3]))
			w.must(os.Remove(w.files(".seg")[3]))
		}, "has signed more than there is"},
		"swapped segments":  {func(w *signedWorld) { swap(w, w.files(".seg")[1], w.files(".seg")[2]) }, "TAMPERED"},
		"swapped manifests": {func(w *signedWorld) { swap(w, w.files(".json")[1], w.files(".json")[2]) }, "belongs to"},
		"an edited manifest": {func(w *signedWorld) {
			w.edit(w.files(".json")[3], func(b []byte) []byte { return bytes.Replace(b, []byte(`"events": `), []byte(`"events": 1`), 1) })
		}, "another manifest of the same entries"},
		"a payload that is gone": {func(w *signedWorld) { w.must(os.Remove(w.files(".pay")[1])) }, "no such object"},
		"a payload of another":   {func(w *signedWorld) { swap(w, w.files(".pay")[1], w.files(".pay")[2]) }, "payload"},
		"a checkpoint that is gone": {func(w *signedWorld) {
			w.must(os.Remove(filepath.Join(string(w.dir), "checkpoints", "000000002.note")))
		}, "does not continue checkpoint 1"},
		"a forged checkpoint": {func(w *signedWorld) {
			w.edit(filepath.Join(string(w.dir), "checkpoints", "000000003.note"), func(b []byte) []byte {
				return bytes.Replace(b, []byte("checkpoint 3"), []byte("checkpoint 4"), 1)
			})
		}, "000000003.note"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSignedWorld(t)
			tt.tamper(w)
			r := w.verify()
			if r.OK() {
				t.Fatalf("not noticed: %+v", r)
			}
			if first := r.Findings[0].String(); !strings.Contains(first, tt.want) || !strings.HasPrefix(first, "TAMPERED") {
				t.Errorf("found %q, want %q", first, tt.want)
			}
		})
	}
}

// Of a damaged segment the first damaged entry is named, or one close before it.
func TestDamageIsLocated(t *testing.T) {
	t.Parallel()
	w := newSignedWorld(t)
	name := w.files(".seg")[2]
	body, err := os.ReadFile(name)
	w.must(err)
	m := w.read().Segments(queue, 0)[2]
	exact := 0
	for at := 20; at < int(m.Bloom[0]); at += 37 {
		w.edit(name, func([]byte) []byte { b := bytes.Clone(body); b[at] ^= 8; return b })
		f := w.verify().Findings
		if len(f) == 0 || f[0].From < m.From.LSN || f[0].To > m.To.LSN || f[0].Segment != m.Segment {
			t.Fatalf("byte %d flipped: %v", at, f)
		}
		if f[0].From == f[0].To {
			exact++
		}
	}
	if exact == 0 {
		t.Error("no entry was named exactly")
	}
	t.Logf("%d named exactly", exact)
}

// Somebody who can write everything but has no key rewrites a segment with all its
// checksums: the signed roots tell.
func TestForgedSegment(t *testing.T) {
	t.Parallel()
	w, other := newSignedWorld(t), newSignedWorld(t)
	for _, ending := range []string{".seg", ".pay", ".json"} {
		for _, name := range w.files(ending) {
			w.must(os.Remove(name))
		}
		for _, name := range other.files(ending) {
			b, err := os.ReadFile(name)
			w.must(err)
			w.must(os.WriteFile(filepath.Join(string(w.dir), queue, "0", filepath.Base(name)), b, 0o600))
		}
	}
	r := w.verify()
	if r.OK() || !strings.Contains(r.Findings[0].String(), "checkpoint 1 has signed") {
		b, _ := json.Marshal(r)
		t.Errorf("report %s", b)
	}
}

// A key that is not the signer's is said to be wrong, before anything else.
func TestWrongKey(t *testing.T) {
	t.Parallel()
	w := newSignedWorld(t)
	_, public, err := archive.NewKey("auditor")
	w.must(err)
	key, err := note.NewVerifier(public)
	w.must(err)
	if _, err := archive.Verify(t.Context(), w.dir, key); err == nil || !strings.Contains(err.Error(), "another key") {
		t.Errorf("verify: %v", err)
	}
	w.edit(filepath.Join(string(w.dir), "checkpoints", "000000005.note"), func([]byte) []byte {
		private, public, err := archive.NewKey("auditor")
		w.must(err)
		other := archive.Dir(t.TempDir())
		w.must(os.CopyFS(string(other), os.DirFS(string(w.dir))))
		w.must(os.RemoveAll(filepath.Join(string(other), "checkpoints")))
		signer, err := archive.NewSigner(other, private, public)
		w.must(err)
		_, err = signer.Sign(t.Context())
		w.must(err)
		b, err := os.ReadFile(filepath.Join(string(other), "checkpoints", "000000001.note"))
		w.must(err)
		return b
	})
	if r := w.verify(); len(r.Findings) != 1 || !strings.Contains(r.Findings[0].What, "000000005.note was signed by another key") {
		t.Errorf("one of another key: %+v", r)
	}
	if _, err := archive.NewSigner(w.dir, w.private, public); err == nil {
		t.Error("a signer of two keys that do not belong together")
	}
}

// A signer signs nothing that does not continue what was signed.
func TestSignerLooks(t *testing.T) {
	t.Parallel()
	w := newSignedWorld(t)
	w.edit(w.files(".seg")[3], func(b []byte) []byte { b[50] ^= 1; return b })
	signer, err := archive.NewSigner(w.dir, w.private, w.public)
	w.must(err)
	if _, err := signer.Sign(t.Context()); err == nil || !strings.Contains(err.Error(), "tampered") {
		t.Errorf("sign: %v", err)
	}
}
