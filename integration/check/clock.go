package check

import (
	"slices"

	"github.com/tidemill/tidemill/integration/history"
)

// slackMs is what two readings of one clock may differ by.
const slackMs = 2

// clock is how far Redis's clock was from the machine's, when.
type clock []history.Clock

func newClock(jumps []history.Clock) clock {
	c := slices.Clone(jumps)
	slices.SortStableFunc(c, func(a, b history.Clock) int { return int(a.T - b.T) })
	return c
}

// window yields the offset at from, and every one that it took until to. A jump
// is noted a moment before or after it is made.
func (c clock) window(from, to int64) []int64 {
	from, to = from-secNs, to+secNs
	offsets := []int64{0}
	for _, jump := range c {
		switch {
		case jump.T <= from:
			offsets[0] = jump.OffsetMs
		case jump.T <= to:
			offsets = append(offsets, jump.OffsetMs)
		}
	}
	return offsets
}

// ahead is the farthest that Redis's clock was before the machine's.
func (c clock) ahead(from, to int64) int64 { return slices.Max(c.window(from, to)) }

// gained is the most that Redis's clock can have run ahead of a real stretch of
// time: the largest rise between two moments of the window.
func (c clock) gained(from, to int64) (most int64) {
	low := int64(0)
	for i, offset := range c.window(from, to) {
		if i == 0 || offset < low {
			low = offset
		}
		most = max(most, offset-low)
	}
	return most
}

// at is the offset as it was noted last.
func (c clock) at(t int64) (offset int64) {
	for _, jump := range c {
		if jump.T <= t {
			offset = jump.OffsetMs
		}
	}
	return offset
}

// still is for how many ms the clock had not jumped.
func (c clock) still(t int64) int64 {
	since := int64(0)
	for _, jump := range c {
		if jump.T <= t {
			since = jump.T
		}
	}
	return (t - since) / msNs
}
