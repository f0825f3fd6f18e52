package archive_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/archive"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

var forgetful = streams.By{Actor: "ann", Reason: "ticket 4711"}

// ended lists the tasks that have ended.
func (w *world) ended() (ids []task.ID) {
	w.Helper()
	s, err := replay.At(w.Context(), w.log.Reader(), replay.Moment{Queue: queue})
	w.must(err)
	for _, id := range w.ids {
		if st, err := s.Task(w.Context(), id); err == nil && st.State.Terminal() {
			ids = append(ids, id)
		}
	}
	return ids
}

// payloads are those of the entries of a task.
func (w *world) payloads(id task.ID) (found []string, erased int) {
	w.Helper()
	for _, e := range w.events(w.read()) {
		switch {
		case e.Task != id || e.Type == "":
		case e.Erased:
			erased++
		default:
			found = append(found, string(e.Payload))
		}
	}
	return found, erased
}

// A redaction leaves an archive that verifies, from which the payload is gone, and
// the other tasks as they were. Before the event is archived nothing is erased.
func TestErase(t *testing.T) {
	t.Parallel()
	w := newSignedWorld(t)
	before := len(w.events(w.read()))
	for _, id := range w.ended()[:10] {
		if had, _ := w.payloads(id); len(had) == 0 || !strings.HasPrefix(had[0], "secret ") {
			t.Fatalf("%s has %q", id, had)
		}
		_, err := w.log.Redact(t.Context(), id, forgetful)
		w.must(err)
		if _, err := w.read().Erase(t.Context(), id); !errors.Is(err, archive.ErrNotRedacted) {
			t.Errorf("erase before the event is archived: %v", err)
		}
		w.archive()
		for i := range 2 { // the second time there is nothing left to do
			n, err := w.read().Erase(t.Context(), id)
			w.must(err)
			if had, erased := w.payloads(id); len(had) > 0 || erased == 0 || i == 0 && n != erased || i > 0 && n != 0 {
				t.Errorf("erased %d payloads of %s, %d are gone, left %q", n, id, erased, had)
			}
		}
	}
	r := w.verify()
	for _, f := range r.Findings {
		t.Error(f)
	}
	if r.Erased < 10 {
		t.Errorf("%d erased", r.Erased)
	}
	if got := len(w.events(w.read())); got != before+10 {
		t.Errorf("%d events, had %d and 10 redactions", got, before)
	}
	for _, f := range w.files(".pay") {
		if other := strings.TrimSuffix(f, "000000.pay"); other != f {
			if later, _ := filepath.Glob(other + "*"); len(later) != 1 {
				t.Errorf("generations %q", later)
			}
		}
	}
}

// What was redacted before it was archived is archived as what is left of it.
func TestArchiveRedacted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.work(60)
	id := w.ended()[0]
	_, err := w.log.Redact(t.Context(), id, forgetful)
	w.must(err)
	w.archive()
	if had, erased := w.payloads(id); len(had) > 0 || erased == 0 {
		t.Errorf("%d erased, left %q", erased, had)
	}
	r, err := archive.Verify(t.Context(), w.dir, nil)
	w.must(err)
	if !r.OK() || r.Erased == 0 {
		t.Errorf("%+v", r)
	}
}

// An eraser that dies leaves two generations; the next one finishes.
func TestEraseInterrupted(t *testing.T) {
	t.Parallel()
	w := newSignedWorld(t)
	id := w.ended()[0]
	_, err := w.log.Redact(t.Context(), id, forgetful)
	w.must(err)
	w.archive()
	old := map[string][]byte{}
	for _, f := range w.files(".pay") {
		b, err := os.ReadFile(f)
		w.must(err)
		old[f] = b
	}
	_, err = w.read().Erase(t.Context(), id)
	w.must(err)
	left := 0
	for f, b := range old {
		if _, err := os.Stat(f); errors.Is(err, os.ErrNotExist) {
			w.must(os.WriteFile(f, b, 0o600)) // as if it had not come to delete it
			left++
		}
	}
	if had, _ := w.payloads(id); left == 0 || len(had) > 0 {
		t.Errorf("%d files were replaced, left %q", left, had)
	}
	_, err = w.read().Erase(t.Context(), id)
	w.must(err)
	for f, b := range old {
		if now, err := os.ReadFile(f); err == nil && !bytes.Equal(now, b) {
			t.Errorf("%s was changed", f)
		} else if err != nil {
			left--
		}
	}
	if left != 0 {
		t.Errorf("%d files are still there", left)
	}
}

// An eraser that stood still while two others finished does not bring back what they
// erased, and erases what it was to.
func TestEraseTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.work(60)
	w.archive()
	ids := w.ended()[:3]
	for _, id := range ids {
		_, err := w.log.Redact(t.Context(), id, forgetful)
		w.must(err)
	}
	w.archive()
	erase := func(b replay.Bucket, id task.ID) {
		a, err := archive.Open(t.Context(), b)
		w.must(err)
		if n, err := a.Erase(t.Context(), id); n == 0 || err != nil {
			t.Errorf("erased %d payloads, %v", n, err)
		}
	}
	erase(&during{Bucket: w.dir, do: func() {
		erase(w.dir, ids[1])
		erase(w.dir, ids[2])
	}}, ids[0])
	for _, id := range ids {
		if had, erased := w.payloads(id); len(had) > 0 || erased == 0 {
			t.Errorf("%s: %d erased, left %q", id, erased, had)
		}
	}
	found, err := filepath.Glob(filepath.Join(string(w.dir), queue, "0", "*.pay"))
	w.must(err)
	if segments := w.read().Segments(queue, 0); len(found) != len(segments) {
		t.Errorf("payload files %q of %d segments", found, len(segments))
	}
}

// A payload that goes without an event is tampering, whoever takes it.
func TestEraseWithoutEvent(t *testing.T) {
	t.Parallel()
	w := newSignedWorld(t)
	ids := w.ended()
	_, err := w.log.Redact(t.Context(), ids[0], forgetful)
	w.must(err)
	w.archive()
	_, err = w.read().Erase(t.Context(), ids[0])
	w.must(err)
	first := w.files(".pay")[0]
	for _, f := range w.files(".seg") { // the event is gone with the segment that had it
		if f > first && strings.Contains(f, "-") {
			first = f
		}
	}
	w.must(os.Remove(first))
	gone := false
	for _, f := range w.verify().Findings {
		gone = gone || strings.Contains(f.What, "no redacted event")
	}
	if !gone {
		t.Error("a payload without an event was not found")
	}
}

// What was open at a moment and was redacted since cannot run again: it is cancelled.
func TestRestoreRedacted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.work(60)
	w.archive()
	moment := w.events(w.read())
	ended := w.ended()
	for _, id := range ended {
		_, err := w.log.Redact(t.Context(), id, forgetful)
		w.must(err)
	}
	w.archive()
	for _, id := range ended {
		_, err := w.read().Erase(t.Context(), id)
		w.must(err)
	}
	withdrawn := 0
	for _, i := range []int{len(moment) / 2, len(moment) - 1, len(moment) * 3 / 4} {
		l := w.restored(moment[i].At.LSN)
		for id := range w.drain(l) {
			for _, e := range ended {
				if e == id {
					t.Errorf("at lsn %d: %s ran without its payload", moment[i].At.LSN, id)
				}
			}
		}
		for _, e := range w.events(l.Reader()) {
			if e.Kind == task.OutcomeCancel && e.Actor == "restore" {
				withdrawn++
			}
		}
		r, err := replay.Fsck(t.Context(), l.Reader(), l.Reader())
		w.must(err)
		for _, p := range r.Problems {
			t.Errorf("at lsn %d: %s", moment[i].At.LSN, p)
		}
	}
	if withdrawn == 0 {
		t.Error("no task was open then and redacted since")
	}
}
