package replay

import (
	"encoding/json"
	"math"
	"time"
)

// Histogram counts durations in buckets that grow by 8 %, so that a quantile is
// less than 4 % off, in the memory of the buckets between the least and the
// greatest. Below a microsecond all is zero.
type Histogram struct {
	first  int // the bucket of counts[0]
	counts []uint32
	n      int64
	sum    time.Duration
	max    time.Duration
}

// growth is the ratio of a bucket's bounds.
const growth = 1.08

var logGrowth = math.Log(growth)

// bucketOf is 0 below a microsecond, and i for what is in [growth^(i-1), growth^i) µs.
func bucketOf(d time.Duration) int {
	if d < time.Microsecond {
		return 0
	}
	return 1 + int(math.Log(float64(d)/float64(time.Microsecond))/logGrowth)
}

// middle is the duration that is as far, by ratio, from both bounds of a bucket.
func middle(bucket int) time.Duration {
	if bucket == 0 {
		return 0
	}
	return time.Duration(math.Exp(float64(bucket-1)*logGrowth) * 2 * growth / (1 + growth) * float64(time.Microsecond))
}

// Add counts one duration.
func (h *Histogram) Add(d time.Duration) {
	d = max(d, 0)
	h.n, h.sum, h.max = h.n+1, h.sum+d, max(h.max, d)
	i := bucketOf(d)
	switch {
	case len(h.counts) == 0:
		h.first, h.counts = i, make([]uint32, 1)
	case i < h.first:
		h.counts = append(make([]uint32, h.first-i, h.first-i+len(h.counts)), h.counts...)
		h.first = i
	case i >= h.first+len(h.counts):
		h.counts = append(h.counts, make([]uint32, i-h.first-len(h.counts)+1)...)
	}
	if c := &h.counts[i-h.first]; *c < math.MaxUint32 {
		*c++
	}
}

// N is how many durations were counted.
func (h *Histogram) N() int64 { return h.n }

// Max is the greatest duration, exactly.
func (h *Histogram) Max() time.Duration { return h.max }

// Mean is the mean, exactly; zero of none.
func (h *Histogram) Mean() time.Duration {
	if h.n == 0 {
		return 0
	}
	return h.sum / time.Duration(h.n)
}

// Quantile is the duration that a fraction q of all do not exceed, less than 4 %
// off; zero of none.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := max(int64(math.Ceil(q*float64(h.n))), 1)
	for i, c := range h.counts {
		if rank -= int64(c); rank <= 0 {
			return min(middle(h.first+i), h.max)
		}
	}
	return h.max
}

// MarshalJSON tells what people ask of a histogram, in milliseconds.
func (h *Histogram) MarshalJSON() ([]byte, error) {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return json.Marshal(struct {
		N    int64   `json:"n"`
		Mean float64 `json:"mean_ms"`
		P50  float64 `json:"p50_ms"`
		P95  float64 `json:"p95_ms"`
		P99  float64 `json:"p99_ms"`
		Max  float64 `json:"max_ms"`
	}{h.n, ms(h.Mean()), ms(h.Quantile(0.5)), ms(h.Quantile(0.95)), ms(h.Quantile(0.99)), ms(h.max)})
}
