package task

import (
	"cmp"
	"fmt"
	"time"
)

// Backoff says how long a failed task waits: base doubling with every attempt
// up to Cap, of which a random part is taken (full jitter, so that tasks that
// failed together do not come back together).
//
// Source: Brooker, "Exponential backoff and jitter", AWS Architecture Blog, 2015.
type Backoff struct {
	Base time.Duration // default 1 s
	Cap  time.Duration // default 1 h
}

// Defaults of [Backoff].
const (
	DefaultBase = time.Second
	DefaultCap  = time.Hour
)

// Delay returns the wait after the given failed attempt (1 for the first).
// random is in [0, 1). The result is at least a millisecond, the unit of due
// times, and otherwise never above the cap.
func (b Backoff) Delay(attempt int, random float64) time.Duration {
	base, limit := b.Base, b.Cap
	if base <= 0 {
		base = DefaultBase
	}
	if limit <= 0 {
		limit = DefaultCap
	}
	d := limit
	if shift := max(attempt, 1) - 1; shift < 63 && base <= limit>>shift { // by shifting the cap nothing overflows
		d = base << shift
	}
	return max(time.Duration(float64(d)*random), time.Millisecond)
}

// Validate refuses negative durations and a cap, or the default one, below the
// base. Errors wrap [ErrInvalidOption].
func (b Backoff) Validate() error {
	if b.Base < 0 || b.Cap < 0 {
		return fmt.Errorf("%w: Backoff: negative duration", ErrInvalidOption)
	}
	if limit := cmp.Or(b.Cap, DefaultCap); limit < b.Base {
		return fmt.Errorf("%w: Backoff: cap %s is below base %s", ErrInvalidOption, limit, b.Base)
	}
	return nil
}
