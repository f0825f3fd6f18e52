package memserver

import (
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

const (
	// minSweep is the least time between two sweeps: the unit of PX.
	minSweep = time.Millisecond
	// sweepShare bounds sweeping to 1/sweepShare of the time.
	sweepShare = 20
)

// clock makes TTLs shrink as time passes.
//
// A miniredis counts a TTL down only when told to, by FastForward, which visits
// every key under the server's lock. clock does that when request bytes arrive,
// before the server sees them. So an idle server needs no goroutine, a
// synctest bubble may sleep for a month at no cost, and the lock is never held
// by the caller, as it may be in a hook that a script has reached.
//
// A TTL may end early or late by the time between two sweeps: 1 ms, or 20 times
// what one sweep takes when there are very many keys.
type clock struct {
	redis *miniredis.Miniredis

	mu    sync.Mutex
	last  time.Time     // when TTLs were last true
	pause time.Duration // no sweep before last + pause
}

func newClock(m *miniredis.Miniredis) *clock {
	return &clock{redis: m, last: time.Now(), pause: minSweep}
}

func (c *clock) catchUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	elapsed := now.Sub(c.last)
	if elapsed < c.pause {
		return
	}
	c.redis.FastForward(elapsed)
	c.last = now
	c.pause = max(minSweep, sweepShare*time.Since(now))
}
