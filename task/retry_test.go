package task

import (
	"errors"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// most is the largest random number below 1.
const most = 1 - 0x1p-53

var (
	backoffs = rapid.Custom(func(t *rapid.T) Backoff {
		spans := rapid.OneOf(rapid.Int64Range(0, int64(time.Hour)), rapid.Int64Range(0, math.MaxInt64))
		return Backoff{Base: time.Duration(spans.Draw(t, "base")), Cap: time.Duration(spans.Draw(t, "cap"))}
	})
	attempts = rapid.OneOf(rapid.IntRange(-3, 70), rapid.Int())
	randoms  = rapid.OneOf(rapid.Float64Range(0, most), rapid.SampledFrom([]float64{0, 0.5, most}))
)

// effective is b with its defaults.
func effective(b Backoff) (base, limit time.Duration) {
	base, limit = DefaultBase, DefaultCap
	if b.Base > 0 {
		base = b.Base
	}
	if b.Cap > 0 {
		limit = b.Cap
	}
	return base, limit
}

func TestBackoffBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := backoffs.Draw(t, "backoff")
		_, limit := effective(b)
		got := b.Delay(attempts.Draw(t, "attempt"), randoms.Draw(t, "random"))
		if got < time.Millisecond || got > max(limit, time.Millisecond) {
			t.Fatalf("got %v, want 1ms to %v", got, limit)
		}
	})
}

// TestBackoffDoubles: before jitter every attempt waits twice as long, and what
// would pass the cap is the cap.
func TestBackoffDoubles(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := backoffs.Draw(t, "backoff")
		want, limit := effective(b)
		for attempt := 1; attempt < 100; attempt++ {
			want = min(want, limit)
			// all but nothing of it is taken; float64 has 53 bits
			got, slack := b.Delay(attempt, most), want>>50+1
			if want >= time.Millisecond && (got > want || got < want-slack) {
				t.Fatalf("attempt %d: got %v, want %v", attempt, got, want)
			}
			if want > limit/2 {
				want = limit
			} else {
				want *= 2
			}
		}
	})
}

func TestBackoffGrows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b, attempt := backoffs.Draw(t, "backoff"), attempts.Draw(t, "attempt")
		r := []float64{randoms.Draw(t, "r"), randoms.Draw(t, "s")}
		if less, more := b.Delay(attempt, min(r[0], r[1])), b.Delay(attempt, max(r[0], r[1])); less > more {
			t.Fatalf("got %v and %v, want more of a larger random part", less, more)
		}
		if attempt < math.MaxInt && b.Delay(attempt, r[0]) > b.Delay(attempt+1, r[0]) {
			t.Fatalf("attempt %d waits %v, the next %v", attempt, b.Delay(attempt, r[0]), b.Delay(attempt+1, r[0]))
		}
	})
}

func TestBackoffDefaults(t *testing.T) {
	t.Parallel()
	for attempt, want := range map[int]time.Duration{
		math.MinInt: time.Second, -1: time.Second, 0: time.Second, 1: time.Second, 2: 2 * time.Second, 12: 2048 * time.Second,
		13: time.Hour, 63: time.Hour, 64: time.Hour, 65: time.Hour, math.MaxInt: time.Hour,
	} {
		if got := (Backoff{}).Delay(attempt, 0.5); got != want/2 {
			t.Errorf("attempt %d: got %v, want %v", attempt, got, want/2)
		}
	}
}

func TestBackoffValidate(t *testing.T) {
	t.Parallel()
	for b, ok := range map[Backoff]bool{
		{}:                                true,
		{Base: time.Minute}:               true,
		{Cap: time.Millisecond}:           true, // the default base counts for nothing
		{Base: time.Hour}:                 true,
		{Base: time.Second, Cap: 1e9}:     true,
		{Base: 2 * time.Hour}:             false, // above the default cap
		{Base: 2 * time.Second, Cap: 1}:   false,
		{Base: -1}:                        false,
		{Cap: -1}:                         false,
		{Base: time.Second, Cap: -1 << 9}: false,
	} {
		err := b.Validate()
		if ok != (err == nil) || err != nil && !errors.Is(err, ErrInvalidOption) {
			t.Errorf("%+v: got %v, want valid %t", b, err, ok)
		}
	}
}
