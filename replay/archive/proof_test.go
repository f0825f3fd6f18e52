package archive_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/tidemill/tidemill/replay/archive"
	"github.com/tidemill/tidemill/task"
)

// Every task can be proved; a proof with anything changed proves nothing.
func TestProof(t *testing.T) {
	t.Parallel()
	w := newSignedWorld(t)
	w.work(900) // more than one node of the tree
	w.archive()
	signer, err := archive.NewSigner(w.dir, w.private, w.public)
	w.must(err)
	_, err = signer.Sign(t.Context())
	w.must(err)
	a := w.read()
	for range 50 {
		id := w.ids[rand.N(len(w.ids))]
		p, err := a.Prove(t.Context(), id, w.key)
		w.must(err)
		body, err := json.Marshal(p)
		w.must(err)
		_, events, err := archive.Check(body, w.key)
		w.must(err)
		want := 0
		for e, err := range a.About(t.Context(), queue, 0, task.Position{}, id) {
			w.must(err)
			if want++; e.Task != id && !e.Task.IsZero() {
				t.Errorf("about %s: an event of %s", id, e.Task)
			}
		}
		if len(events) != want || want == 0 || events[0].At != id.Birth() {
			t.Errorf("%s: proved %d events, want %d", id, len(events), want)
		}
	}
	p, err := a.Prove(t.Context(), w.ids[0], w.key)
	w.must(err)
	p.Entries[0].Envelope = bytes.Replace(p.Entries[0].Envelope, []byte("type"), []byte("typo"), 1)
	body, err := json.Marshal(p)
	w.must(err)
	if _, _, err := archive.Check(body, w.key); !errors.Is(err, archive.ErrTampered) {
		t.Errorf("a forged proof: %v", err)
	}
	w.work(5)
	w.archive()
	if _, err := w.read().Prove(t.Context(), w.ids[len(w.ids)-1], w.key); err == nil {
		t.Error("proved what is not signed yet")
	}
}

// What About finds is what a scan finds.
func TestAbout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 4 {
		w.work(100)
		w.archive()
	}
	a := w.read()
	want := map[task.ID]int{}
	for _, e := range w.events(a) {
		if !e.Task.IsZero() {
			want[e.Task]++
		}
	}
	for _, id := range w.ids {
		n := 0
		for e, err := range a.About(t.Context(), queue, 0, task.Position{}, id) {
			w.must(err)
			if e.Task == id {
				n++
			}
		}
		if n != want[id] {
			t.Fatalf("%s: %d events, want %d", id, n, want[id])
		}
	}
	for _, err := range a.About(t.Context(), "nowhere", 0, task.Position{}, w.ids[0]) {
		if !errors.Is(err, task.ErrNotFound) {
			t.Errorf("a queue that is not there: %v", err)
		}
	}
}
