package task

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestFoldForget: a fold that forgets agrees with one that does not about all
// that is open or dead and about every number, and remembers nothing else.
func TestFoldForget(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		whole, short := fold(w.log, false), NewFold()
		short.Forget = true
		for i := range w.log {
			short.Add(&w.log[i])
		}
		if len(short.Violations) > 0 {
			t.Fatalf("got violations %q, want none", short.Violations)
		}
		want := maps.Clone(whole.Tasks)
		maps.DeleteFunc(want, func(_ ID, l *Life) bool { return l.State.Terminal() && l.State != Dead })
		if diff := cmp.Diff(want, short.Tasks); diff != "" {
			t.Fatalf("tasks: want - got +\n%s", diff)
		}
		if diff := cmp.Diff(whole.Entries, short.Entries); diff != "" {
			t.Fatalf("entries: want - got +\n%s", diff)
		}
		if diff := cmp.Diff(whole.States(), short.States()); diff != "" {
			t.Fatalf("states: want - got +\n%s", diff)
		}
		if diff := cmp.Diff(whole.Counts, short.Counts); diff != "" || whole.Paused != short.Paused {
			t.Fatalf("got paused %v\n%s", short.Paused, diff)
		}
		if diff := cmp.Diff(whole.Dropped, short.Dropped); diff != "" {
			t.Fatalf("dropped: want - got +\n%s", diff)
		}
	})
}

// TestFoldForgetSecondEnd: what ends again is a violation and leaves no trace.
func TestFoldForgetSecondEnd(t *testing.T) {
	t.Parallel()
	id := NewID(1, 1, spot(1))
	f := NewFold()
	f.Forget = true
	for lsn, kind := range []Kind{Born, OutcomeSuccess, OutcomeSuccess, StaleOutcome} {
		f.Add(&Event{Kind: kind, Task: id, At: spot(int64(lsn) + 1)})
	}
	if len(f.Violations) != 1 || len(f.Tasks) != 0 || f.States()[Succeeded] != 1 || f.EndedTwice != 1 {
		t.Errorf("got %+v", f)
	}
}

// TestFoldTaken: a takeover counts until the entry is another one.
func TestFoldTaken(t *testing.T) {
	t.Parallel()
	id := NewID(1, 1, spot(1))
	f := NewFold()
	for i, step := range []struct {
		kind  Kind
		taken int
	}{{Born, 0}, {Reclaimed, 1}, {Reclaimed, 2}, {HandedBack, 0}, {Reclaimed, 1}, {OutcomeRetry, 1}, {Released, 0}} {
		f.Add(&Event{Kind: step.kind, Task: id, At: spot(int64(i) + 1)})
		if got := f.Tasks[id].Taken; got != step.taken {
			t.Errorf("after %s: got %d, want %d", step.kind, got, step.taken)
		}
	}
}

// TestFoldForgetPartial: the same of a log without its beginning.
func TestFoldForgetPartial(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		from := rapid.IntRange(0, len(w.log)-1).Draw(t, "from")
		for w.log[from].Item > 0 {
			from--
		}
		whole, short := fold(w.log[from:], true), NewFold()
		short.Forget, short.Partial = true, true
		for i := range w.log[from:] {
			short.Add(&w.log[from+i])
		}
		if len(short.Violations) > 0 {
			t.Fatalf("got violations %q, want none", short.Violations)
		}
		if diff := cmp.Diff(whole.States(), short.States()); diff != "" {
			t.Fatalf("states: want - got +\n%s", diff)
		}
		if diff := cmp.Diff(whole.Entries, short.Entries); diff != "" {
			t.Fatalf("entries: want - got +\n%s", diff)
		}
	})
}

// TestFoldForgetTwice: a fold that forgets counts second ends as one that does not.
func TestFoldForgetTwice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		for range rapid.IntRange(1, 9).Draw(t, "outcomes") {
			if len(w.ids) > 0 {
				kind := rapid.SampledFrom([]Kind{OutcomeSuccess, OutcomeRetry, OutcomeDead, OutcomeCancel}).Draw(t, "kind")
				w.add(Event{Kind: kind, Task: rapid.SampledFrom(w.ids).Draw(t, "again"), Attempt: 1}, false)
			}
		}
		whole, short := fold(w.log, false), NewFold()
		short.Forget = true
		for i := range w.log {
			short.Add(&w.log[i])
		}
		unsure := short.Counts[Unknown] > 0 // and then it counts none of what it forgot
		if whole.EndedTwice < short.EndedTwice || !unsure && whole.EndedTwice > short.EndedTwice || len(whole.Violations) != len(short.Violations) {
			t.Fatalf("got %d second ends, %q, want %d, %q", short.EndedTwice, short.Violations, whole.EndedTwice, whole.Violations)
		}
	})
}

// TestFoldUnknownBirth: the first end of a task whose birth is not understood is no
// second one.
func TestFoldUnknownBirth(t *testing.T) {
	t.Parallel()
	for _, forget := range []bool{false, true} {
		f := NewFold()
		f.Forget = forget
		id := NewID(0, 1, spot(2))
		f.Add(&Event{Kind: EpochStarted, At: spot(1)})
		f.Add(&Event{Kind: Unknown, At: spot(2)})
		f.Add(&Event{Kind: OutcomeSuccess, Task: id, At: spot(3), Prev: spot(2), Attempt: 1})
		if f.EndedTwice != 0 || len(f.Violations) != 1 {
			t.Errorf("forget %t: got %d second ends, %q", forget, f.EndedTwice, f.Violations)
		}
	}
}
