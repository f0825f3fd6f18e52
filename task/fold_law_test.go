package task

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// world writes logs by the law and keeps a state of its own beside them.
type world struct {
	log    []Event
	lsn    int64
	ids    []ID
	states map[ID]State
	entry  map[ID]Position // of the ready
	due    map[ID]int64
}

func newWorld() *world {
	return &world{states: map[ID]State{}, entry: map[ID]Position{}, due: map[ID]int64{}}
}

// add appends an event at the next place, or as another item of the last one.
func (w *world) add(e Event, item bool) {
	if last := len(w.log) - 1; item {
		e.At, e.Item = w.log[last].At, w.log[last].Item+1
	} else {
		w.lsn++
		e.At = Position{Ms: 1000 * w.lsn, LSN: w.lsn}
	}
	w.log = append(w.log, e)
}

// legal lists the events that may come next in a state. The first of a task
// makes one.
func legal(s State) []Kind {
	return slices.DeleteFunc(Kinds(), func(k Kind) bool {
		_, err := Apply(s, k)
		return err != nil
	})
}

// step draws a legal event of an old or a new task, of the partition, or a jump.
func (w *world) step(t *rapid.T) {
	switch n := rapid.IntRange(0, 19).Draw(t, "what"); {
	case n == 0:
		w.lsn += rapid.Int64Range(0, 99).Draw(t, "jump")
		w.add(Event{Kind: EpochStarted, Reason: "restart"}, false)
	case n == 1:
		w.add(Event{Kind: rapid.SampledFrom([]Kind{Paused, Resumed, Trimmed, Recovered, Unknown}).Draw(t, "partition")}, false)
	case n < 6 || len(w.ids) == 0:
		id := NewID(1, 1, Position{Ms: 1000 * (w.lsn + 1), LSN: w.lsn + 1})
		w.ids = append(w.ids, id)
		w.move(t, id)
	default:
		w.move(t, rapid.SampledFrom(w.ids).Draw(t, "task"))
	}
}

func (w *world) move(t *rapid.T, id ID) {
	from := w.states[id]
	kind := rapid.SampledFrom(legal(from)).Draw(t, "kind")
	e := Event{Kind: kind, Task: id, Attempt: 1, Prev: w.entry[id]}
	if kind == Reclaimed || kind == EntryLost && from == Ready {
		e.Task = ID{} // it names the entry alone
	}
	if e.DueMs = w.due[id]; kind != Released {
		e.DueMs = 1000 * w.lsn
	}
	last := len(w.log) - 1
	packed := last >= 0 && w.log[last].Kind == kind && (kind == OutcomeSuccess || kind == Reclaimed || kind == PurgedDead)
	w.add(e, packed && rapid.Bool().Draw(t, "packed"))
	to, err := Apply(from, kind)
	if err != nil {
		t.Fatal(err)
	}
	w.states[id], w.due[id] = to, e.DueMs
	switch {
	case kind == Born || kind == Released || kind == HandedBack:
		w.entry[id] = w.log[len(w.log)-1].At
	case to != Ready:
		delete(w.entry, id)
	}
}

func drawWorld(t *rapid.T) *world {
	w := newWorld()
	for range rapid.IntRange(1, 60).Draw(t, "steps") {
		w.step(t)
	}
	return w
}

func fold(log []Event, partial bool) *Fold {
	f := NewFold()
	f.Partial = partial
	for i := range log {
		f.Add(&log[i])
	}
	return f
}

func stateOf(f *Fold) map[ID]State {
	m := map[ID]State{}
	for id, l := range f.Tasks {
		m[id] = l.State
	}
	return m
}

// TestFoldLegal: a log by the law has no violation, and the fold knows of every
// task its state and its open entry.
func TestFoldLegal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		f := fold(w.log, false)
		if len(f.Violations) > 0 {
			t.Fatalf("got violations %q, want none", f.Violations)
		}
		if diff := cmp.Diff(w.states, stateOf(f)); diff != "" {
			t.Fatalf("states: want - got +\n%s", diff)
		}
		open := map[Position]ID{}
		for id, at := range w.entry {
			open[at] = id
		}
		if diff := cmp.Diff(open, f.Entries); diff != "" {
			t.Fatalf("entries: want - got +\n%s", diff)
		}
		for id, l := range f.Tasks {
			if want := l.State.Terminal(); (l.Ends == 1) != want || l.Ends > 1 {
				t.Fatalf("%s is %s and ended %d times", id, l.State, l.Ends)
			}
			if l.State == Waiting && l.DueMs != w.due[id] {
				t.Fatalf("%s: got due %d, want %d", id, l.DueMs, w.due[id])
			}
		}
	})
}

// TestFoldSecondEnd: whoever has ended and ends again is a violation, and
// nothing changes by it.
func TestFoldSecondEnd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		ends := slices.DeleteFunc(slices.Clone(w.log), func(e Event) bool {
			to, err := Apply(Ready, e.Kind)
			return e.Kind != PurgedDead && (err != nil || !to.Terminal())
		})
		if len(ends) == 0 {
			return
		}
		e := rapid.SampledFrom(ends).Draw(t, "again")
		if !e.Task.IsZero() && !w.states[e.Task].Terminal() {
			return // requeued since
		}
		before := stateOf(fold(w.log, false))
		w.add(e, false)
		f := fold(w.log, false)
		if len(f.Violations) != 1 {
			t.Fatalf("%s again: got violations %q, want one", e.Kind, f.Violations)
		}
		outcome := OutcomeSuccess <= e.Kind && e.Kind <= OutcomeExpire
		if want := map[bool]int{true: 1}[outcome]; f.EndedTwice != want {
			t.Fatalf("%s again: got ended twice %d, want %d", e.Kind, f.EndedTwice, want)
		}
		if diff := cmp.Diff(before, stateOf(f)); diff != "" {
			t.Fatalf("%s again: before - after +\n%s", e.Kind, diff)
		}
	})
}

// TestFoldIllegal: an event the law does not know after a state is a violation
// and moves nothing.
func TestFoldIllegal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		if len(w.ids) == 0 {
			return
		}
		id := rapid.SampledFrom(w.ids).Draw(t, "task")
		may := legal(w.states[id])
		kind := rapid.SampledFrom(Kinds()).Filter(func(k Kind) bool { return !k.OfPartition() && !slices.Contains(may, k) }).Draw(t, "kind")
		w.add(Event{Kind: kind, Task: id, Attempt: 9, DueMs: 9}, false)
		f := fold(w.log, false)
		if len(f.Violations) != 1 {
			t.Fatalf("%s: got violations %q, want one", kind, f.Violations)
		}
		if diff := cmp.Diff(w.states, stateOf(f)); diff != "" {
			t.Fatalf("%s: want - got +\n%s", kind, diff)
		}
	})
}

// TestFoldPartial: a log without its beginning has no violation either, and
// agrees with the whole one about every task it speaks of.
func TestFoldPartial(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		from := rapid.IntRange(0, len(w.log)-1).Draw(t, "from")
		for w.log[from].Item > 0 { // an entry is trimmed as a whole
			from--
		}
		f := fold(w.log[from:], true)
		if len(f.Violations) > 0 {
			t.Fatalf("from event %d: got violations %q, want none", from, f.Violations)
		}
		for id, s := range stateOf(f) {
			if w.states[id] != s {
				t.Fatalf("from event %d: %s is %s, want %s", from, id, s, w.states[id])
			}
		}
		for at, id := range f.Entries {
			if w.entry[id] != at {
				t.Fatalf("from event %d: %s is open at %s, want %s", from, id, at, w.entry[id])
			}
		}
	})
}

// TestFoldMissing: a log that lost entries in its middle says which.
func TestFoldMissing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		n := rapid.IntRange(3, 30).Draw(t, "entries")
		for range n {
			w.add(Event{Kind: Trimmed}, false)
		}
		from := rapid.IntRange(0, n-2).Draw(t, "from")
		to := rapid.IntRange(from, n-2).Draw(t, "to")
		f := fold(append(w.log[:from:from], w.log[to+1:]...), false)
		want := []Gap{{From: int64(from) + 1, To: int64(to) + 1}}
		if diff := cmp.Diff(want, f.Gaps); diff != "" {
			t.Fatalf("want - got +\n%s", diff)
		}
		if want := []string{fmt.Sprintf("lsn %d to %d missing", from+1, to+1)}; !slices.Equal(f.Violations, want) {
			t.Fatalf("got %q, want %q", f.Violations, want)
		}
	})
}

func TestFoldCounts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		want := map[Kind]int64{}
		for _, e := range w.log {
			want[e.Kind]++
		}
		f := fold(w.log, false)
		if !maps.Equal(f.Counts, want) {
			t.Fatalf("got %v, want %v", f.Counts, want)
		}
		if last := w.log[len(w.log)-1]; f.Last != last.At || f.LastLSN != last.At.LSN {
			t.Fatalf("got last %s, %d, want %s", f.Last, f.LastLSN, last.At)
		}
	})
}

// TestFoldIsBounded: a log that is wrong throughout does not fill the memory.
func TestFoldIsBounded(t *testing.T) {
	t.Parallel()
	f := NewFold()
	for range 10_000 {
		f.Add(&Event{Kind: Trimmed, At: Position{Ms: 1, LSN: 0}})
	}
	if got, want := len(f.Violations), 1000; got != want {
		t.Errorf("got %d violations, want %d", got, want)
	}
}
