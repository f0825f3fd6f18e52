package bench

import (
	"fmt"
	"slices"
	"time"
)

// Result is one figure: the median over the rounds, and its spread.
type Result struct {
	Scenario string  `json:"scenario"`
	Metric   string  `json:"metric"`
	Unit     string  `json:"unit"`
	Tidemill float64 `json:"tidemill"`
	Floor    float64 `json:"floor,omitzero"` // 0: there is none
	Ratio    float64 `json:"ratio,omitzero"` // tidemill / floor; 0: none, or too noisy to say
	Min      float64 `json:"min"`            // of tidemill, over the rounds
	Max      float64 `json:"max"`
	Note     string  `json:"note,omitempty"` // why there is no figure, no ratio or no spread; else ""
}

// onceNote is the note of a figure of one round.
const onceNote = "one round: its spread is not known"

// Once is true for a figure of one round of a side: its ratio is no ranking.
func (r Result) Once() bool { return r.Note == onceNote }

// Measured is false for a scenario that was not run; Note says why.
func (r Result) Measured() bool { return r.Metric != "" }

// MoreIsBetter tells rates and shares from times, bytes and costs.
func (r Result) MoreIsBetter() bool { return r.Unit == tasksPerSecond || r.Unit == percent }

// noisy is the spread over which medians are not ranked: the rounds of a side
// differ by more than their median.
const noisy = 1.0

// judge makes a figure of the rounds of both sides.
func judge(name string, m metric, ours, floors []float64) Result {
	mid, low, high := summary(ours)
	r := Result{Scenario: name, Metric: m.name, Unit: m.unit, Tidemill: mid, Min: low, Max: high}
	if len(ours) == 1 || len(floors) == 1 {
		r.Note = onceNote
	}
	if len(floors) == 0 {
		return r
	}
	var floorLow, floorHigh float64
	r.Floor, floorLow, floorHigh = summary(floors)
	switch spread := max(spread(low, mid, high), spread(floorLow, r.Floor, floorHigh)); {
	case spread > noisy:
		r.Note = fmt.Sprintf("too noisy to rank: spread %.0f %%", 100*spread)
	case r.Floor > 0:
		r.Ratio = r.Tidemill / r.Floor
	}
	return r
}

// summary of at least one value.
func summary(v []float64) (mid, low, high float64) {
	v = slices.Sorted(slices.Values(v))
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2, v[0], v[n-1]
}

// spread is how far the rounds are apart, in medians.
func spread(low, mid, high float64) float64 {
	if mid == 0 {
		return 0
	}
	return (high - low) / mid
}

// percentiles of times, in ms: those that there are times enough for.
func percentiles(times []time.Duration) figures {
	got := figures{}
	slices.Sort(times)
	for _, p := range []struct {
		name  string
		share float64
		least int
	}{{"p50", 0.5, 1}, {"p99", 0.99, 100}, {"p99.9", 0.999, 1000}} {
		if n := len(times); n >= p.least {
			got[p.name] = ms(times[int(float64(n)*p.share)])
		}
	}
	return got
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
