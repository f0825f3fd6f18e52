package timer

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const century = 100 * 365 * 24 * 3600 * 1000 // ms

// redisNow is a plausible Redis TIME, so that tests do not only start at 0.
const redisNow = 1_790_000_000_123

// held is one Add.
type held struct {
	key string
	due int64
}

// advance is one Advance and what it must return.
type advance struct {
	now  int64
	want []string
}

var advanceTests = []struct {
	name  string
	start int64
	add   []held
	steps []advance
}{
	{
		name: "nothing held", start: 5,
		steps: []advance{{now: 5}, {now: 6}, {now: math.MaxInt64}},
	},
	{
		name: "due now expires without time passing", start: 1000,
		add:   []held{{"a", 1000}},
		steps: []advance{{1000, []string{"a"}}, {now: 1000}},
	},
	{
		name: "due in the past expires even when now is earlier still", start: 1000,
		add:   []held{{"a", 900}},
		steps: []advance{{10, []string{"a"}}},
	},
	{
		name: "what was late comes by due, then as added, before what was not", start: 1000,
		add:   []held{{"e", 1001}, {"d", 1000}, {"b", 7}, {"a", 0}, {"c", 7}},
		steps: []advance{{1001, []string{"a", "b", "c", "d", "e"}}},
	},
	{
		name: "never a millisecond early", start: 0,
		add:   []held{{"a", 1}, {"b", 63}, {"c", 64}, {"d", 65}},
		steps: []advance{{0, nil}, {1, []string{"a"}}, {62, nil}, {63, []string{"b"}}, {64, []string{"c"}}, {64, nil}, {65, []string{"d"}}},
	},
	{
		name: "a smaller now is ignored", start: 100,
		add:   []held{{"a", 150}, {"b", 200}},
		steps: []advance{{160, []string{"a"}}, {120, nil}, {199, nil}, {200, []string{"b"}}},
	},
	{
		name: "one jump of a century", start: redisNow,
		add:   []held{{"c", redisNow + century}, {"a", redisNow + 1}, {"d", redisNow + century + 1}, {"b", redisNow + century - 1}},
		steps: []advance{{redisNow + century, []string{"a", "b", "c"}}, {redisNow + century + 1, []string{"d"}}},
	},
	{
		name: "the end of time", start: 0,
		add:   []held{{"b", math.MaxInt64}, {"a", math.MaxInt64 - 1}},
		steps: []advance{{math.MaxInt64 - 1, []string{"a"}}, {math.MaxInt64, []string{"b"}}},
	},
}

func TestWheelAdvance(t *testing.T) {
	t.Parallel()
	for _, tt := range advanceTests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := NewWheel[string](tt.start)
			for _, e := range tt.add {
				w.Add(e.key, e.due)
			}
			for i, s := range tt.steps {
				got := w.Advance(s.now, nil)
				if d := cmp.Diff(s.want, got); d != "" {
					t.Errorf("step %d: Advance(%d), want - got +:\n%s", i, s.now, d)
				}
				check(t, w)
			}
		})
	}
}

// Around 64^k a key changes level; each must still come at its own tick only.
func TestWheelCascades(t *testing.T) {
	t.Parallel()
	for k := 1; k <= 10; k++ {
		for _, start := range []int64{0, 1, 63, 64, redisNow} {
			t.Run(fmt.Sprintf("64^%d from %d", k, start), func(t *testing.T) {
				t.Parallel()
				w := NewWheel[int64](start)
				span := int64(1) << (slotBits * k)
				for _, d := range []int64{1, -1, 0} {
					w.Add(d, start+span+d)
				}
				for _, d := range []int64{-1, 0, 1} {
					due := start + span + d
					if got := w.Advance(due-1, nil); len(got) != 0 {
						t.Errorf("Advance(due-1) of %+d: got %v, want none", d, got)
					}
					check(t, w)
					if d, ok := w.Next(); d != due || !ok {
						t.Errorf("Next: got %d %t, want %d", d, ok, due)
					}
					if diff := cmp.Diff([]int64{d}, w.Advance(due, nil)); diff != "" {
						t.Errorf("Advance(due) of %+d, want - got +:\n%s", d, diff)
					}
				}
			})
		}
	}
}

// Keys of one due are added while it is years, days, seconds and 1 ms away, so
// each takes its own way down the levels.
func TestWheelEqualDuesKeepOrderAcrossLevels(t *testing.T) {
	t.Parallel()
	const due = redisNow + century
	w := NewWheel[int](redisNow)
	var want []int
	for away := int64(century); away > 0; away /= 3 {
		if got := w.Advance(due-away, nil); len(got) != 0 {
			t.Fatalf("Advance to %d ms before due: got %v, want none", away, got)
		}
		for range 3 {
			want = append(want, len(want))
			w.Add(len(want)-1, due)
		}
		check(t, w)
	}
	if d := cmp.Diff(want, w.Advance(due, nil)); d != "" {
		t.Errorf("want - got +:\n%s", d)
	}
}

func TestWheelMillionInOneMillisecond(t *testing.T) {
	t.Parallel()
	n := 1_000_000
	if testing.Short() {
		n = 10_000
	}
	w := NewWheel[int](redisNow)
	for i := range n {
		w.Add(i, redisNow+3_600_000)
	}
	// Each removal takes a key of the earliest due; Next must not look through
	// the others for it, else this loop takes minutes.
	for i := range n / 2 {
		w.Remove(2 * i)
		if due, ok := w.Next(); due != redisNow+3_600_000 || !ok {
			t.Fatalf("Next: got %d %t", due, ok)
		}
	}
	if got := w.Advance(redisNow+3_599_999, nil); len(got) != 0 {
		t.Fatalf("%d keys came early", len(got))
	}
	got := w.Advance(redisNow+3_600_000, nil)
	if len(got) != n/2 || w.Len() != 0 {
		t.Fatalf("got %d keys, left %d, want %d and 0", len(got), w.Len(), n/2)
	}
	for i, key := range got {
		if key != 2*i+1 {
			t.Fatalf("key %d: got %d, want %d", i, key, 2*i+1)
		}
	}
}

func TestWheelAddReportsEarlier(t *testing.T) {
	t.Parallel()
	w := NewWheel[string](100)
	for i, tt := range []struct {
		key  string
		due  int64
		want bool
	}{
		{"a", 5000, true},  // the first
		{"b", 5000, false}, // not earlier than a
		{"c", 4999, true},
		{"d", 9000, false},
		{"d", 4000, true},  // moved to the front
		{"d", 4000, false}, // nothing changed
		{"d", 4500, false}, // still the first, but later than it was
		{"e", 50, true},    // late
		{"f", 60, false},
		{"f", 40, true},
	} {
		if got := w.Add(tt.key, tt.due); got != tt.want {
			t.Errorf("%d: Add(%s, %d): got %t, want %t", i, tt.key, tt.due, got, tt.want)
		}
		check(t, w)
	}
	if d := cmp.Diff([]string{"f", "e", "d", "c", "a", "b"}, w.Advance(5000, nil)); d != "" {
		t.Errorf("want - got +:\n%s", d)
	}
}

func TestWheelAddAgain(t *testing.T) {
	t.Parallel()
	w := NewWheel[string](0)
	for _, e := range []held{{"a", 500}, {"b", 500}, {"c", 500}, {"d", 500}} {
		w.Add(e.key, e.due)
	}
	w.Add("b", 500) // the due it has: keeps its place
	w.Add("a", 501)
	w.Add("a", 500) // moved there and back: last
	w.Add("c", 70_000)
	if got, want := w.Len(), 4; got != want {
		t.Errorf("Len: got %d, want %d", got, want)
	}
	if d := cmp.Diff([]string{"b", "d", "a"}, w.Advance(69_999, nil)); d != "" {
		t.Errorf("at 69999, want - got +:\n%s", d)
	}
	if d := cmp.Diff([]string{"c"}, w.Advance(70_000, nil)); d != "" {
		t.Errorf("at 70000, want - got +:\n%s", d)
	}
}

func TestWheelRemove(t *testing.T) {
	t.Parallel()
	w := NewWheel[string](0)
	for _, e := range []held{{"first", 300}, {"middle", 310}, {"last", 310}, {"late", 0}} {
		w.Add(e.key, e.due)
	}
	for i, tt := range []struct {
		key  string
		held bool
		next int64
	}{{"nobody", false, 0}, {"late", true, 300}, {"first", true, 310}, {"first", false, 310}, {"last", true, 310}} {
		if got := w.Remove(tt.key); got != tt.held {
			t.Errorf("%d: Remove(%s): got %t, want %t", i, tt.key, got, tt.held)
		}
		if due, ok := w.Next(); due != tt.next || !ok {
			t.Errorf("%d: Next: got %d %t, want %d", i, due, ok, tt.next)
		}
		check(t, w)
	}
	if d := cmp.Diff([]string{"middle"}, w.Advance(1000, nil)); d != "" {
		t.Errorf("want - got +:\n%s", d)
	}
	if w.Remove("middle") {
		t.Error("Remove of an expired key: got true, want false")
	}
	if _, ok := w.Next(); ok {
		t.Error("Next of an empty wheel: got true, want false")
	}
}

func TestWheelClear(t *testing.T) {
	t.Parallel()
	w := NewWheel[int](50)
	w.Advance(60, nil)
	for i := range 1000 {
		w.Add(i, int64(i*i))
	}
	w.Remove(3)
	w.Clear()
	check(t, w)
	if _, ok := w.Next(); ok || w.Len() != 0 {
		t.Errorf("after Clear: %d keys held, Next %t", w.Len(), ok)
	}
	w.Add(7, 55) // the wheel still stands at 60
	if d := cmp.Diff([]int{7}, w.Advance(0, nil)); d != "" {
		t.Errorf("want - got +:\n%s", d)
	}
}
