package timer

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// failer is *testing.T or *rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// check fails t unless w keeps its invariants, numbered as at Wheel.
func check[K comparable](t failer, w *Wheel[K]) {
	t.Helper()
	held, last := 0, int64(math.MinInt64)
	for p := range w.lists {
		row, slot := p/slots, p%slots
		if got := w.levels>>row&1 == 1 && w.occupied[row]>>slot&1 == 1; got != (w.lists[p].head != none) {
			t.Fatalf("row %d slot %d: marked %t, head %d", row, slot, got, w.lists[p].head)
		}
		if w.levels>>row&1 == 1 && w.occupied[row] == 0 {
			t.Fatalf("row %d is marked and empty", row)
		}
		n, latest := checkList(t, w, p, last)
		held, last = held+n, max(last, latest)
	}
	free := 0
	for i := w.free; i != none; i = w.nodes[i].next {
		free++
	}
	if held != len(w.index) || held+free != len(w.nodes)-1 {
		t.Fatalf("%d linked, %d free, %d indexed, slab of %d", held, free, len(w.index), len(w.nodes)-1)
	}
}

// checkList checks the list at position p, when all before it is due by last. It
// returns how many nodes it has and the latest due among them.
func checkList[K comparable](t failer, w *Wheel[K], p int, last int64) (held int, latest int64) {
	t.Helper()
	l := w.lists[p]
	prev, ties, latest := int32(none), int32(0), int64(math.MinInt64)
	for i := l.head; i != none; prev, i = i, w.nodes[i].next {
		n := w.nodes[i]
		if w.index[n.key] != i || n.prev != prev {
			t.Fatalf("node %d of key %v: index %d, prev %d, want prev %d", i, n.key, w.index[n.key], n.prev, prev)
		}
		if w.place(n.due) != p {
			t.Fatalf("1: due %d at now %d is in %d, want %d", n.due, w.now, p, w.place(n.due))
		}
		if n.due <= last {
			t.Fatalf("2: due %d at position %d, %d before it", n.due, p, last)
		}
		if n.due < l.min {
			t.Fatalf("5: min %d at position %d is later than %d", l.min, p, n.due)
		}
		if n.due == l.min {
			ties++
		}
		held, latest = held+1, max(latest, n.due)
	}
	if l.tail != prev || l.ties != ties {
		t.Fatalf("position %d: tail %d ties %d, want %d and %d", p, l.tail, l.ties, prev, ties)
	}
	return held, latest
}

// model is the wheel as a list sorted by due, equal dues as added.
type model struct {
	now  int64
	held []modelKey
}

type modelKey struct {
	key uint8
	due int64
}

func (m *model) find(key uint8) int {
	return slices.IndexFunc(m.held, func(e modelKey) bool { return e.key == key })
}

func (m *model) next() (int64, bool) {
	if len(m.held) == 0 {
		return 0, false
	}
	return m.held[0].due, true
}

func (m *model) add(key uint8, due int64) bool {
	earliest, some := m.next()
	if i := m.find(key); i >= 0 {
		if m.held[i].due == due {
			return false
		}
		m.held = slices.Delete(m.held, i, i+1)
	}
	at := slices.IndexFunc(m.held, func(e modelKey) bool { return e.due > due })
	if at < 0 {
		at = len(m.held)
	}
	m.held = slices.Insert(m.held, at, modelKey{key, due})
	return !some || due < earliest
}

func (m *model) remove(key uint8) bool {
	i := m.find(key)
	if i >= 0 {
		m.held = slices.Delete(m.held, i, i+1)
	}
	return i >= 0
}

func (m *model) advance(now int64) []uint8 {
	m.now = max(m.now, now)
	var expired []uint8
	for len(m.held) > 0 && m.held[0].due <= m.now {
		expired = append(expired, m.held[0].key)
		m.held = m.held[1:]
	}
	return expired
}

// drawTime draws a time that is interesting to a wheel at now: a due it holds
// and its neighbours, near, 64^k away, or anywhere.
func drawTime(t *rapid.T, m *model) int64 {
	var at int64
	switch kind := rapid.IntRange(0, 5).Draw(t, "kind"); {
	case kind == 0 && len(m.held) > 0:
		at = rapid.SampledFrom(m.held).Draw(t, "like").due
	case kind <= 2:
		at = m.now + rapid.Int64Range(0, 200).Draw(t, "near")
	case kind == 3:
		at = m.now + rapid.Int64Range(0, 1<<rapid.IntRange(0, 42).Draw(t, "bits")).Draw(t, "far")
	case kind == 4: // the next tick of a level, seen from now
		level := rapid.IntRange(1, 7).Draw(t, "level")
		at = (m.now>>(slotBits*level) + rapid.Int64Range(0, 65).Draw(t, "ticks")) << (slotBits * level)
	default:
		at = m.now - rapid.Int64Range(0, 200).Draw(t, "past")
	}
	return max(0, at+rapid.Int64Range(-1, 1).Draw(t, "off"))
}

// twins are a wheel and its model, to which the same things happen.
type twins struct {
	w *Wheel[uint8]
	m *model
}

// lawKeys are few, so that held keys are moved and removed.
var lawKeys = rapid.Uint8Range(0, 40)

func (b twins) add(t *rapid.T) {
	key, due := lawKeys.Draw(t, "key"), drawTime(t, b.m)
	same(t, "Add", b.w.Add(key, due), b.m.add(key, due))
}

func (b twins) remove(t *rapid.T) {
	key := lawKeys.Draw(t, "key")
	if len(b.m.held) > 0 && rapid.Bool().Draw(t, "earliest") {
		key = b.m.held[0].key
	}
	same(t, "Remove", b.w.Remove(key), b.m.remove(key))
}

func (b twins) advance(t *rapid.T) {
	now := drawTime(t, b.m)
	same(t, "Advance", b.w.Advance(now, nil), b.m.advance(now))
}

func (b twins) next(t *rapid.T) {
	got, ok := b.w.Next()
	want, wantOK := b.m.next()
	same(t, "Next", got, want)
	same(t, "Next ok", ok, wantOK)
}

func (b twins) check(t *rapid.T) {
	same(t, "Len", b.w.Len(), len(b.m.held))
	same(t, "now", b.w.now, b.m.now)
	check(t, b.w)
}

func same(t *rapid.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("%s, want - got +:\n%s", what, d)
	}
}

// lawWheelIsSortedList: whatever is done to it, the wheel answers like a sorted list.
func lawWheelIsSortedList(t *rapid.T) {
	start := rapid.Int64Range(0, 1<<rapid.IntRange(0, 41).Draw(t, "start bits")).Draw(t, "start")
	b := twins{NewWheel[uint8](start), &model{now: start}}
	t.Repeat(map[string]func(*rapid.T){
		"add": b.add, "add more": b.add, "and more": b.add,
		"remove": b.remove, "advance": b.advance, "next": b.next, "": b.check,
	})
	same(t, "Advance to the end", b.w.Advance(math.MaxInt64, nil), b.m.advance(math.MaxInt64))
	b.check(t)
}

func TestWheelLaw(t *testing.T) {
	t.Parallel()
	rapid.Check(t, lawWheelIsSortedList)
}

func FuzzWheel(f *testing.F) { f.Fuzz(rapid.MakeFuzz(lawWheelIsSortedList)) }

// The place must be a function that grows with due: invariant 2 for chosen times.
func TestWheelPlaceGrowsWithDue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.Int64Range(0, math.MaxInt64)
		w := NewWheel[int](times.Draw(t, "now") >> rapid.IntRange(0, 62).Draw(t, "shift"))
		a := times.Draw(t, "a") >> rapid.IntRange(0, 62).Draw(t, "shift a")
		b := times.Draw(t, "b") >> rapid.IntRange(0, 62).Draw(t, "shift b")
		if (a < b && w.place(a) > w.place(b)) || (a > b && w.place(a) < w.place(b)) {
			t.Fatalf("at %d: place(%d) = %d, place(%d) = %d", w.now, a, w.place(a), b, w.place(b))
		}
	})
}
