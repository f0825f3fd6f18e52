package replay

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestHistogram: every quantile is less than 5 % off the exact one.
func TestHistogram(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		logs := rapid.SliceOfN(rapid.Float64Range(0, math.Log(float64(100*time.Hour))), 1, 200).Draw(t, "logs")
		h, all, sum := Histogram{}, []time.Duration{}, time.Duration(0)
		for _, l := range logs {
			d := time.Duration(math.Exp(l))
			h.Add(d)
			all, sum = append(all, d), sum+d
		}
		slices.Sort(all)
		for _, q := range []float64{0, 0.01, 0.5, 0.95, 0.99, 1} {
			want := all[max(int(math.Ceil(q*float64(len(all)))), 1)-1]
			got := h.Quantile(q)
			if want < time.Microsecond {
				want = 0
			}
			if math.Abs(float64(got-want)) >= 0.05*float64(want)+1 {
				t.Fatalf("%g of %v: got %s, want %s", q, all, got, want)
			}
		}
		if h.N() != int64(len(all)) || h.Max() != all[len(all)-1] || h.Mean() != sum/time.Duration(len(all)) {
			t.Fatalf("got %d, %s, %s", h.N(), h.Max(), h.Mean())
		}
	})
}

func TestHistogramEmpty(t *testing.T) {
	t.Parallel()
	h := &Histogram{}
	got, err := json.Marshal(h)
	if want := `{"n":0,"mean_ms":0,"p50_ms":0,"p95_ms":0,"p99_ms":0,"max_ms":0}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
	h.Add(-time.Second)
	if h.N() != 1 || h.Max() != 0 || h.Quantile(0.99) != 0 {
		t.Errorf("got %+v", h)
	}
}
