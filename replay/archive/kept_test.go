package archive_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/replay/archive"
)

// An archive that nothing signs is not OK for whoever has a key: it may be young, or
// cut short together with its checkpoints.
func TestUnsigned(t *testing.T) {
	t.Parallel()
	w := newSignedWorld(t)
	w.must(os.RemoveAll(filepath.Join(string(w.dir), "checkpoints")))
	w.must(os.Remove(w.files(".json")[3]))
	if r := w.verify(); r.OK() || r.Tampered() || !r.Unsigned || r.Verdict() != "UNSIGNED" || r.Signed != 0 {
		t.Errorf("report %+v", r)
	}
	if r := verified(t, w.dir); !r.OK() || r.Unsigned {
		t.Errorf("without a key: %+v", r)
	}
	w.must(os.Remove(w.files(".seg")[1]))
	if r := w.verify(); r.OK() || r.Verdict() != "TAMPERED" {
		t.Errorf("damaged as well: %+v", r)
	}
}

// Whoever can write the archive removes its end and the newest checkpoints, and what
// is left is whole; who kept a checkpoint sees what is missing.
func TestKeptCheckpoint(t *testing.T) {
	t.Parallel()
	w := newSignedWorld(t)
	note := func(n int) string { return filepath.Join(string(w.dir), "checkpoints", fmt.Sprintf("%09d.note", n)) }
	body, err := os.ReadFile(note(4))
	w.must(err)
	kept, err := archive.OpenCheckpoint(body, w.key)
	w.must(err)
	ms := w.read().Segments(queue, 0)
	verify := func() string {
		t.Helper()
		r, err := archive.Verify(t.Context(), w.dir, w.key, kept)
		w.must(err)
		return strings.TrimSpace(fmt.Sprintln(r.Verdict(), r.Findings))
	}
	if got := verify(); got != "OK []" {
		t.Error(got)
	}
	w.must(os.Remove(note(5)))
	w.must(os.Remove(note(4)))
	if got := verify(); !strings.HasPrefix(got, "TAMPERED [TAMPERED: checkpoint 4 of "+w.ns) || !strings.HasSuffix(got, "which was kept, is not in the archive]") {
		t.Error(got)
	}
	for _, ending := range []string{".json", ".seg", ".pay"} {
		w.must(os.Remove(w.files(ending)[3]))
		if ending == ".json" {
			w.must(os.Remove(note(3))) // of which the segment stays
		}
	}
	if r := w.verify(); !r.OK() {
		t.Errorf("without a checkpoint that was kept: %v", r.Findings)
	}
	want := fmt.Sprintf("TAMPERED q/0 lsn %d to %d in %s: checkpoint 4 has signed more than there is; what stands behind lsn %d is not proved",
		ms[3].From.LSN, ms[3].To.LSN, ms[2].Segment, ms[1].To.LSN)
	if got := verify(); !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	w.must(os.RemoveAll(filepath.Join(string(w.dir), queue)))
	if got, want := verify(), fmt.Sprintf("TAMPERED q/0 lsn 1 to %d: the partition is gone", ms[3].To.LSN); !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	_, public, err := archive.NewKey("other")
	w.must(err)
	other, err := archive.ParseKey(public)
	w.must(err)
	if _, err := archive.OpenCheckpoint(body, other); !errors.Is(err, archive.ErrWrongKey) {
		t.Errorf("under another key: %v", err)
	}
}
