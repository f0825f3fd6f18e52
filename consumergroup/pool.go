package consumergroup

import (
	"sync"
	"time"
)

// pool runs work on at most limit goroutines. It has none when there is no
// work: push starts as many as may run, each takes work until there is none.
//
// The pool also says how much to fetch: what is free, and about 10 ms of the
// measured rate on top, so that short tasks stream while long tasks are never
// hoarded.
type pool struct {
	limit   int
	readers int // that fetch for it: each asks for its share, or all would bring the same room's worth
	wg      sync.WaitGroup

	mu     sync.Mutex // guards what follows
	queue  []*work
	head   int
	active int // goroutines
	busy   int // those with work; the others are about to take some
	stuck  int
	done   int           // since measured
	at     time.Time     // of the last measure
	rate   float64       // tasks a second, smoothed
	room   chan struct{} // cap 1: receives when there may be room again
}

// prefetch bounds.
const (
	prefetchFor = 10 * time.Millisecond
	maxPrefetch = 2048
	maxFetch    = 1024
)

func newPool(limit, readers int) *pool {
	return &pool{limit: limit, readers: readers, room: make(chan struct{}, 1), at: time.Now()}
}

// push adds work, and starts goroutines for it.
func (p *pool) push(ws []*work) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append(p.queue, ws...)
	for start := min(p.limit-p.active, p.waiting()-(p.active-p.busy)); start > 0; start-- {
		p.active++
		p.wg.Go(func() { p.run(0) })
	}
}

// run takes work until there is none. When a handler ends its goroutine, another
// goes on in its slot.
func (p *pool) run(done int) {
	exited := true // unless the loop ends
	defer func() {
		if exited {
			p.wg.Go(func() { p.run(1) })
		}
	}()
	for w := p.next(done); w != nil; w = p.next(1) {
		w.run()
	}
	exited = false
}

// next counts what was done and takes work; nil ends the goroutine. Starts are not
// counted: many at once are no sign of short tasks.
func (p *pool) next(done int) *work {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += done
	p.busy -= done
	if p.waiting() == 0 {
		p.queue, p.head = p.queue[:0], 0
		p.active--
		p.signal()
		return nil
	}
	p.busy++
	w := p.queue[p.head]
	p.queue[p.head] = nil
	p.head++
	if p.head > 1024 && p.head > len(p.queue)/2 {
		p.queue, p.head = append(p.queue[:0], p.queue[p.head:]...), 0
	}
	p.signal()
	return w
}

// signal wakes a reader that waits for room.
func (p *pool) signal() {
	select {
	case p.room <- struct{}{}:
	default:
	}
}

// want is how many deliveries a reader fetches now; 0: wait for room.
func (p *pool) want() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d := time.Since(p.at); d >= prefetchFor {
		p.rate = (p.rate + float64(p.done)/d.Seconds()) / 2
		p.done, p.at = 0, time.Now()
	}
	ahead := min(int(p.rate*prefetchFor.Seconds()), maxPrefetch)
	n := p.limit - p.busy - p.waiting() + ahead
	if n < max(1, ahead/2) {
		return 0
	}
	return min((n+p.readers-1)/p.readers, maxFetch)
}

// free is how many slots have no work.
func (p *pool) free() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limit - p.busy - p.waiting()
}

// waiting is how much work has no slot yet. Callers hold mu.
func (p *pool) waiting() int { return len(p.queue) - p.head }

func (p *pool) counts() (running, stuck int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.busy, p.stuck
}

func (p *pool) addStuck(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stuck += n
}
