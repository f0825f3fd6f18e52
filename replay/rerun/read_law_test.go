package rerun

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// told are the fields of an attempt that authors know.
func told(r *Recorded) Recorded {
	return Recorded{ID: r.ID, Kind: r.Kind, Attempt: r.Attempt, Payload: r.Payload, Type: r.Type, Error: r.Error, Result: r.Result, At: r.At}
}

// drawHistory is one to three partitions, and every attempt in them, by the time
// of its end.
func drawHistory(t *rapid.T) (h history, truth []Recorded) {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	for i := range rapid.IntRange(1, 3).Draw(t, "partitions") {
		a := newAuthor(i)
		a.draw(r, rapid.IntRange(1, 120).Draw(t, "steps"))
		h, truth = append(h, a.log), append(truth, a.truth...)
	}
	slices.SortStableFunc(truth, func(a, b Recorded) int { return cmp.Compare(a.At.Ms, b.At.Ms) })
	return h, truth
}

func readAll(t *rapid.T, h history, f replay.Filter, c replay.Cursor, limit int) (got []Recorded) {
	for r, err := range Read(t.Context(), h, f, c) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, told(&r)); len(got) == limit {
			break
		}
	}
	return got
}

// TestReadsEveryAttemptOnce: what ended comes once, with the payload it had, also
// if reading begins after its birth, and however often reading is interrupted.
func TestReadsEveryAttemptOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h, truth := drawHistory(t)
		f := replay.Filter{}
		if rapid.Bool().Draw(t, "late") && len(truth) > 0 {
			f.From = time.UnixMilli(rapid.SampledFrom(truth).Draw(t, "from").At.Ms)
		}
		if rapid.Bool().Draw(t, "typed") {
			f.Types = []task.Type{"type1"}
		}
		want := slices.DeleteFunc(truth, func(r Recorded) bool {
			return len(f.Types) > 0 && r.Type != "type1" || !f.From.IsZero() && r.At.Ms < f.From.UnixMilli()
		})
		cursor, got := replay.Cursor{}, []Recorded(nil)
		step := rapid.IntRange(1, 20).Draw(t, "interrupted after")
		for {
			more := readAll(t, h, f, cursor, step)
			if got = append(got, more...); len(more) < step {
				break
			}
		}
		if diff := gocmp.Diff(byPlace(want), byPlace(got), gocmp.AllowUnexported(Recorded{}, place{})); diff != "" {
			t.Fatalf("-want +got\n%s", diff)
		}
	})
}

func byPlace(all []Recorded) []Recorded {
	all = append([]Recorded{}, all...)
	slices.SortFunc(all, func(a, b Recorded) int {
		return cmp.Or(cmp.Compare(a.ID.Partition(), b.ID.Partition()), cmp.Compare(a.At.LSN, b.At.LSN))
	})
	return all
}

// TestReadLooksUp: what was delivered before the reading began is looked up, and
// so is the birth of a task that ended while it waited. Partitions have addresses
// in common.
func TestReadLooksUp(t *testing.T) {
	t.Parallel()
	var h history
	var entries []task.Event
	for i := range 2 {
		a := newAuthor(i)
		waits := a.born(task.Scheduled, "waits")
		d := a.born(task.Born, task.Type("ran"+string('0'+rune(i))))
		a.settle(d, task.OutcomeRetry, "e")
		d = a.after(time.Second).again(task.Released, d)
		a.after(time.Second).settle(d, task.OutcomeSuccess, "")
		a.write(task.Event{Kind: task.OutcomeCancel, Task: waits.Task, Actor: "ops"})
		h, entries = append(h, a.log), append(entries, d, waits)
	}
	f, n := replay.Filter{From: base.Add(1500 * time.Millisecond)}, 0
	for r, err := range Read(t.Context(), h, f, nil) {
		if err != nil {
			t.Fatal(err)
		}
		want := entries[n]
		if n++; r.ID != want.Task || r.Type != want.Type || r.Entry != want.At || r.DueAt.UnixMilli() != want.DueMs {
			t.Errorf("got %s %s, entry %s, due %s; want %+v", r.ID, r.Type, r.Entry, r.DueAt, want)
		}
	}
	if n != len(entries) {
		t.Errorf("got %d attempts, want %d", n, len(entries))
	}
}

// TestReadForgets: what ended is not remembered.
func TestReadForgets(t *testing.T) {
	t.Parallel()
	a := newAuthor(0)
	for range 1000 {
		a.done("a", task.OutcomeSuccess, "")
	}
	p := pairs{src: newPlaces(history{a.log}), open: map[task.ID]delivery{}}
	for i := range a.log {
		if _, err := p.add(t.Context(), &a.log[i], &replay.Filter{}); err != nil {
			t.Fatal(err)
		}
		if len(p.open) > 1 {
			t.Fatalf("%d remembered at %s, 1 is open", len(p.open), a.log[i].At)
		}
	}
}
