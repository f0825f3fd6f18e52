package rerun

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// results runs the mails of a day again, with results of today.
func results(t *testing.T, h history, s Shadow, today func(task.ID) task.Digest) *TypeDiff {
	t.Helper()
	s.Filter, s.Name, s.Concurrency = replay.Filter{Types: []task.Type{"mail"}}, "night", 4
	s.Handler = func(ctx context.Context, d *task.Delivery) task.Settlement {
		if !IsReplay(ctx) || Name(ctx) != "night" {
			t.Errorf("got replay %t, %q", IsReplay(ctx), Name(ctx))
		}
		now := sameAsThen(ctx, d)
		now.Result = today(d.ID)
		return now
	}
	d, err := s.Run(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	if mail := d.Types()[0]; d.Changed == mail.DigestsChanged && d.Compared == 20 {
		return mail
	}
	t.Fatalf("got %d changed of %d, %+v", d.Changed, d.Compared, d.Types()[0])
	return nil
}

// results of today.
func same(id task.ID) task.Digest { return task.Digest(id) }
func none(task.ID) task.Digest    { return task.Digest{} }

// but is the same, of all but one.
func but(other task.ID) func(task.ID) task.Digest {
	return func(id task.ID) task.Digest {
		if id == other {
			return task.Digest{1}
		}
		return same(id)
	}
}

// TestShadowComparesRecordedResults: quiet where they are the same, and where there
// is none then or now.
func TestShadowComparesRecordedResults(t *testing.T) {
	t.Parallel()
	h, a := recordedDay()
	other := a.truth[3].ID
	if d := results(t, h, Shadow{}, same); d.Changed != 0 || d.Digests != 20 {
		t.Errorf("same: got %d changed of %d", d.Changed, d.Digests)
	}
	d := results(t, h, Shadow{}, but(other))
	if d.Changed != 1 || d.Digests != 20 || len(d.Examples) != 1 {
		t.Fatalf("one: got %d changed of %d, %+v", d.Changed, d.Digests, d.Examples)
	}
	if e := d.Examples[0]; e.ID != other || e.Digest != (task.Digest{1}).String() || e.Before != same(other).String() || e.Now != e.Then {
		t.Errorf("got %+v, want %s", e, other)
	}
	if d := results(t, h, Shadow{}, none); d.Changed != 0 || d.Digests != 0 {
		t.Errorf("none today: got %d changed of %d", d.Changed, d.Digests)
	}
	failed := Shadow{Handler: func(_ context.Context, d *task.Delivery) task.Settlement {
		return task.Settlement{Kind: task.OutcomeRetry, Result: task.Digest{1}}
	}}
	if d, err := failed.Run(t.Context(), h); err != nil || d.Types()[0].Changed != 20 || d.Types()[0].Digests != 0 {
		t.Errorf("failed today: got %+v, %v", d.Types()[0], err)
	}
	for i := range h[0] {
		h[0][i].Result = task.Digest{}
	}
	if d := results(t, h, Shadow{}, same); d.Changed != 0 || d.Digests != 0 {
		t.Errorf("none then: got %d changed of %d", d.Changed, d.Digests)
	}
}

// TestShadowComparesAgainst: an earlier run counts before what is recorded, which
// counts for what that run does not tell.
func TestShadowComparesAgainst(t *testing.T) {
	t.Parallel()
	h, a := recordedDay()
	branch, other := a.truth[3].ID, a.truth[4].ID
	var saved bytes.Buffer
	results(t, h, Shadow{Save: &saved}, but(branch))
	before, err := ReadDigests(&saved)
	if err != nil || len(before) != 20 {
		t.Fatalf("got %d digests, %v, want 20", len(before), err)
	}
	if d := results(t, h, Shadow{Against: before}, but(branch)); d.Changed != 0 || d.Digests != 20 {
		t.Errorf("same as the branch: got %d changed of %d", d.Changed, d.Digests)
	}
	if d := results(t, h, Shadow{Against: before}, same); d.Changed != 1 || d.Examples[0].ID != branch {
		t.Errorf("as recorded: got %d changed, %+v", d.Changed, d.Examples)
	}
	if d := results(t, h, Shadow{Against: before}, none); d.Changed != 20 || d.Examples[0].Digest != "none" {
		t.Errorf("none: got %d changed, %+v", d.Changed, d.Examples)
	}
	delete(before, digestKey(other, a.truth[4].At))
	if d := results(t, h, Shadow{Against: before}, but(other)); d.Changed != 2 || d.Digests != 20 {
		t.Errorf("without one: got %d changed of %d, want 2", d.Changed, d.Digests)
	}
	for _, bad := range []string{"{}\n", `{"id":"` + other.String() + `","at":"1-1","digest":"xyz"}`} {
		if _, err := ReadDigests(strings.NewReader(bad)); !errors.Is(err, task.ErrInvalidOption) {
			t.Errorf("%s: got %v", bad, err)
		}
	}
}
