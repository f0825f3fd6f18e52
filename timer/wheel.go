package timer

import (
	"cmp"
	"math/bits"
	"slices"
)

const (
	slotBits = 6
	slots    = 1 << slotBits // one uint64 says which slots of a level hold something
	rows     = 12            // the ripe list, then 11 levels of 6 bits: every int64
	ripe     = 0             // position of the list of what is due already
	none     = 0             // no node; nodes[0] is never used, so that a zero list is empty
)

// Wheel holds keys until they are due: a hierarchical timing wheel with 1 ms
// ticks, after G. Varghese and T. Lauck, "Hashed and Hierarchical Timing
// Wheels" (SOSP 1987), scheme 7. Level 0 has one slot a millisecond, each level
// above has slots 64 times as wide; a key starts at the level its distance asks
// for and moves down as its time comes near. Instead of ticking, the wheel
// finds the next occupied slot in bitmaps, so empty time costs nothing.
//
// Times are milliseconds of one clock and never negative. Nothing here reads a
// clock, and nothing locks: one goroutine at a time may use a Wheel. It takes
// 18 KB, and per key a node and a map entry, which it keeps for later keys.
//
// Invariants:
//
//  1. What is due after now lies at the level of the highest 6-bit digit in
//     which due and now differ, in the slot that this digit of due names. What
//     is due by now lies in the ripe list. So due and now alone give the place.
//  2. By 1 all of a lower level is due before all of a higher one, and a lower
//     slot before a higher slot of its level: the first occupied slot of the
//     first occupied level holds the earliest key.
//  3. By 1 equal dues share a list at every moment. Keys join lists at the tail,
//     and a slot moves down from its head, whole: equal dues stay in the order
//     they were added without carrying a sequence number.
//  4. now never passes a held due that is not ripe, so that moving now touches
//     one slot: the one now enters. All others keep the place rule 1 gives them.
//     What moves goes at least one level down, at most 11 times in all.
//  5. min of a list is no later than any due in it, and ties counts the nodes
//     that have exactly min; ties > 0 means that min is exact.
type Wheel[K comparable] struct {
	now      int64
	index    map[K]int32
	nodes    []node[K] // slab: growing is the only time a key costs an allocation
	free     int32     // unused nodes, linked by next
	levels   uint16    // bit r: row r holds something (row 0 is the ripe list)
	occupied [rows]uint64
	lists    [rows * slots]list
	order    []late // scratch of sortRipe
}

type node[K comparable] struct {
	key        K
	due        int64
	prev, next int32
}

type list struct {
	min              int64
	head, tail, ties int32
}

// late is a ripe node and its place among those added since the last Advance.
type late struct {
	due      int64
	at, node int32
}

// NewWheel returns an empty wheel that stands at now.
func NewWheel[K comparable](now int64) *Wheel[K] {
	return &Wheel[K]{now: now, index: make(map[K]int32), nodes: make([]node[K], 1)}
}

// Now returns the time the wheel stands at.
func (w *Wheel[K]) Now() int64 { return w.now }

// Len returns how many keys are held.
func (w *Wheel[K]) Len() int { return len(w.index) }

// Add holds key until due, which may be past: then the next Advance returns it.
// A held key moves to the new due, behind the keys that have it already; with
// the due it has, it keeps its place. Add reports whether the earliest due got
// earlier by it, that is, whether a caller that sleeps until Next sleeps too
// long. It costs O(1) and what Next costs.
func (w *Wheel[K]) Add(key K, due int64) bool {
	earliest, some := w.Next()
	i, held := w.index[key]
	switch {
	case !held:
		i = w.alloc(key)
	case w.nodes[i].due == due:
		return false
	default:
		w.unlink(i)
	}
	w.nodes[i].due = due
	w.link(i)
	return !some || due < earliest
}

// Remove forgets key and reports whether it was held. It costs O(1).
func (w *Wheel[K]) Remove(key K) bool {
	i, held := w.index[key]
	if held {
		w.unlink(i)
		w.drop(i)
	}
	return held
}

// Advance moves the wheel to now and appends to expired the keys that are due by
// then, by due, equal dues in the order they were added. The wheel never turns
// back: a smaller now than before counts as the one before. Each key costs
// amortised O(1), however far now jumps; keys added when already due are sorted.
func (w *Wheel[K]) Advance(now int64, expired []K) []K {
	now = max(now, w.now)
	w.sortRipe()
	expired = w.drain(expired)
	for {
		due, ok := w.Next()
		if !ok || due > now {
			w.turn(now)
			return expired
		}
		w.turn(due)
		expired = w.drain(expired)
	}
}

// Next returns the earliest due held. It costs O(1), except that the first call
// after the last key of the earliest due was removed looks through one slot.
func (w *Wheel[K]) Next() (due int64, ok bool) {
	if w.levels == 0 {
		return 0, false
	}
	row := bits.TrailingZeros16(w.levels)
	l := &w.lists[row*slots+bits.TrailingZeros64(w.occupied[row])]
	if l.ties == 0 {
		w.measure(l)
	}
	return l.min, true
}

// Clear forgets every key. The wheel stays where it is and keeps its memory.
func (w *Wheel[K]) Clear() {
	clear(w.index)
	clear(w.nodes)
	w.nodes, w.free = w.nodes[:1], none
	w.levels, w.occupied, w.lists = 0, [rows]uint64{}, [rows * slots]list{}
}

// place returns the position of the list that due belongs to (invariant 1):
// 64 times the row plus the slot.
func (w *Wheel[K]) place(due int64) int {
	if due <= w.now {
		return ripe
	}
	row := (bits.Len64(uint64(due^w.now)) + slotBits - 1) / slotBits
	return row*slots + int(due>>uint(slotBits*(row-1)))&(slots-1)
}

// turn moves now forward, at most to the earliest due, with the ripe list empty.
func (w *Wheel[K]) turn(now int64) {
	entered := w.place(now)
	w.now = now
	if entered == ripe {
		return // it is the old now
	}
	l := w.take(entered)
	for i := l.head; i != none; {
		next := w.nodes[i].next
		w.link(i)
		i = next
	}
}

// drain appends the keys of the ripe list in its order and forgets them.
func (w *Wheel[K]) drain(expired []K) []K {
	l := w.take(ripe)
	for i := l.head; i != none; {
		next := w.nodes[i].next
		expired = append(expired, w.nodes[i].key)
		w.drop(i)
		i = next
	}
	return expired
}

// sortRipe orders what was added when already due: no level has done it.
func (w *Wheel[K]) sortRipe() {
	if w.lists[ripe].head == w.lists[ripe].tail {
		return
	}
	l := w.take(ripe)
	w.order = w.order[:0]
	for i := l.head; i != none; i = w.nodes[i].next {
		w.order = append(w.order, late{due: w.nodes[i].due, at: int32(len(w.order)), node: i})
	}
	slices.SortFunc(w.order, func(a, b late) int {
		return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.at, b.at))
	})
	for _, o := range w.order {
		w.link(o.node)
	}
}

// link puts node i at the tail of the list that its due belongs to.
func (w *Wheel[K]) link(i int32) {
	n := &w.nodes[i]
	p := w.place(n.due)
	l := &w.lists[p]
	n.prev, n.next = l.tail, none
	if l.tail == none {
		w.occupied[p/slots] |= 1 << (p % slots)
		w.levels |= 1 << (p / slots)
		*l = list{min: n.due, ties: 1, head: i, tail: i}
		return
	}
	w.nodes[l.tail].next = i
	l.tail = i
	switch {
	case n.due < l.min:
		l.min, l.ties = n.due, 1
	case n.due == l.min:
		l.ties++
	}
}

// unlink takes node i out of its list.
func (w *Wheel[K]) unlink(i int32) {
	n := &w.nodes[i]
	p := w.place(n.due)
	l := &w.lists[p]
	if l.head == l.tail {
		w.take(p)
		return
	}
	if n.due == l.min {
		l.ties-- // at 0 min stays as a bound, until Next asks for more
	}
	if n.prev == none {
		l.head = n.next
	} else {
		w.nodes[n.prev].next = n.next
	}
	if n.next == none {
		l.tail = n.prev
	} else {
		w.nodes[n.next].prev = n.prev
	}
}

// take empties the list at position p and returns what it was.
func (w *Wheel[K]) take(p int) list {
	l := w.lists[p]
	if l.head == none {
		return l
	}
	w.lists[p] = list{}
	w.occupied[p/slots] &^= 1 << (p % slots)
	if w.occupied[p/slots] == 0 {
		w.levels &^= 1 << (p / slots)
	}
	return l
}

// measure makes min of a list exact.
func (w *Wheel[K]) measure(l *list) {
	l.min, l.ties = w.nodes[l.head].due, 0
	for i := l.head; i != none; i = w.nodes[i].next {
		switch due := w.nodes[i].due; {
		case due < l.min:
			l.min, l.ties = due, 1
		case due == l.min:
			l.ties++
		}
	}
}

// alloc returns a node for key, linked nowhere yet.
func (w *Wheel[K]) alloc(key K) int32 {
	i := w.free
	if i == none {
		i = int32(len(w.nodes))
		w.nodes = append(w.nodes, node[K]{})
	} else {
		w.free = w.nodes[i].next
	}
	w.nodes[i].key = key
	w.index[key] = i
	return i
}

// drop gives node i, linked nowhere, back. It lets go of the key's memory.
func (w *Wheel[K]) drop(i int32) {
	delete(w.index, w.nodes[i].key)
	w.nodes[i] = node[K]{next: w.free}
	w.free = i
}
