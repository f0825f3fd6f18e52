package timer

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"testing"
)

// contender is what the benchmarks compare: the wheel and two heaps.
type contender interface {
	Add(key, due int64) bool
	Advance(now int64, expired []int64) []int64
}

var (
	_ contender = (*Wheel[int64])(nil)
	_ contender = (*heapTimers)(nil)
)

var contenders = []struct {
	name string
	make func(now int64) contender
}{
	{"wheel", func(now int64) contender { return NewWheel[int64](now) }},
	{"heap+map", func(int64) contender { return &heapTimers{index: map[int64]*heapItem{}} }}, // like the wheel, can move and remove
	{"heap", func(int64) contender { return &heapTimers{} }},                                 // cannot: a bare priority queue
}

var sizes = []struct {
	name string
	n    int
}{{"10k", 10_000}, {"1M", 1_000_000}}

// BenchmarkSteady adds one key and expires one key a millisecond, with n held
// on average: dues are 1 to 2n ms away.
func BenchmarkSteady(b *testing.B) {
	for _, size := range sizes {
		for _, c := range contenders {
			b.Run(fmt.Sprintf("%s/%s", c.name, size.name), func(b *testing.B) {
				benchmarkFlow(b, c.make(redisNow), size.n, 1)
			})
		}
	}
}

// BenchmarkBusy does the same at 100 keys a millisecond, a tick at a time.
func BenchmarkBusy(b *testing.B) {
	for _, size := range sizes {
		for _, c := range contenders {
			b.Run(fmt.Sprintf("%s/%s", c.name, size.name), func(b *testing.B) {
				benchmarkFlow(b, c.make(redisNow), size.n, 100)
			})
		}
	}
}

func benchmarkFlow(b *testing.B, q contender, n, perTick int) {
	rnd := rand.New(rand.NewPCG(1, 2))
	away := make([]int64, 1<<16)
	for i := range away {
		away[i] = 1 + rnd.Int64N(int64(2*n/perTick))
	}
	now, key, ended := int64(redisNow), int64(0), 0
	var expired []int64
	tick := func() {
		for range perTick {
			key++
			q.Add(key, now+away[key&(1<<16-1)])
		}
		now++
		expired = q.Advance(now, expired[:0])
		ended += len(expired)
	}
	for range 4 * n / perTick { // until as many end as are added
		tick()
	}
	ended = 0
	b.ReportAllocs()
	for b.Loop() {
		tick()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(max(ended, 1)), "ns/entry")
}

// BenchmarkJump lets a century pass over 64 keys spread over it.
func BenchmarkJump(b *testing.B) {
	w, now := NewWheel[int64](redisNow), int64(redisNow)
	var expired []int64
	b.ReportAllocs()
	for b.Loop() {
		for i := range int64(64) {
			w.Add(i, now+century/64*(i+1))
		}
		now += century
		expired = w.Advance(now, expired[:0])
	}
	if len(expired) != 64 {
		b.Fatalf("got %d keys, want 64", len(expired))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(64*b.N), "ns/entry")
}

// AllocsPerRun forbids t.Parallel: it counts for the whole process.
func TestWheelDoesNotAllocate(t *testing.T) {
	w := NewWheel[int64](redisNow)
	now, id := int64(redisNow), int64(0)
	var expired []int64
	round := func() {
		for _, d := range []int64{-9, -3, 0, 1, 1, 70, 65, 5000, 4999, 300_000} {
			id++
			w.Add(id, now+d)
		}
		w.Add(id, now+90) // a move
		w.Remove(id - 1)
		w.Next()
		now += 37
		expired = w.Advance(now, expired[:0])
	}
	for range 20_000 {
		round()
	}
	if got := testing.AllocsPerRun(5000, round); got != 0 {
		t.Errorf("a round: got %v allocations, want 0", got)
	}
}

// heapTimers is container/heap used with care: items are pointers, so that
// nothing is boxed, and are used again.
type heapTimers struct {
	items []*heapItem
	spare []*heapItem
	index map[int64]*heapItem // nil: keys cannot be found again
	added int64
}

type heapItem struct {
	key, due, seq int64 // seq: equal dues in the order of Add, as in the wheel
	at            int
}

func (h *heapTimers) Len() int { return len(h.items) }

func (h *heapTimers) Less(i, j int) bool {
	a, b := h.items[i], h.items[j]
	return a.due < b.due || a.due == b.due && a.seq < b.seq
}

func (h *heapTimers) Swap(i, j int) {
	h.items[i], h.items[j] = h.items[j], h.items[i]
	h.items[i].at, h.items[j].at = i, j
}

func (h *heapTimers) Push(x any) {
	it := x.(*heapItem)
	it.at = len(h.items)
	h.items = append(h.items, it)
}

func (h *heapTimers) Pop() any {
	last := len(h.items) - 1
	it := h.items[last]
	h.items[last], h.items = nil, h.items[:last]
	return it
}

func (h *heapTimers) Add(key, due int64) bool {
	h.added++
	if it, held := h.index[key]; held {
		it.due, it.seq = due, h.added
		heap.Fix(h, it.at)
		return it.at == 0
	}
	var it *heapItem
	if last := len(h.spare) - 1; last >= 0 {
		it, h.spare = h.spare[last], h.spare[:last]
	} else {
		it = new(heapItem)
	}
	it.key, it.due, it.seq = key, due, h.added
	heap.Push(h, it)
	if h.index != nil {
		h.index[key] = it
	}
	return it.at == 0
}

func (h *heapTimers) Advance(now int64, expired []int64) []int64 {
	for len(h.items) > 0 && h.items[0].due <= now {
		it := heap.Pop(h).(*heapItem)
		delete(h.index, it.key)
		expired = append(expired, it.key)
		h.spare = append(h.spare, it)
	}
	return expired
}
