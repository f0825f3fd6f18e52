package cli

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// demoResult is what came of the demo, all of it read from the history.
type demoResult struct {
	Enqueued   int      `json:"enqueued"`
	Succeeded  int      `json:"succeeded"`
	Dead       int      `json:"dead"`
	Retries    int64    `json:"retries"`
	Delayed    int      `json:"delayed"`
	Reclaimed  int64    `json:"reclaimed"`
	Stale      int64    `json:"stale_outcomes_refused"`
	Seconds    float64  `json:"seconds"`
	Rate       float64  `json:"tasks_per_second"`
	LateP50    int64    `json:"late_p50_ms"`
	LateP99    int64    `json:"late_p99_ms"`
	LateMax    int64    `json:"late_max_ms"`
	Events     int64    `json:"events"`
	Lost       int      `json:"lost"`
	EndedTwice int      `json:"ended_twice"`
	Early      int      `json:"early"`
	Problems   []string `json:"problems"`
}

// tally reads lateness from the log: releases tell when they were due.
func tally(ctx context.Context, src replay.Source, r *replay.Report) (*demoResult, error) {
	d := &demoResult{
		Succeeded: r.States[task.Succeeded], Dead: r.States[task.Dead], Retries: r.Kinds[task.OutcomeRetry],
		Reclaimed: r.Kinds[task.Reclaimed], Stale: r.Kinds[task.StaleOutcome], Events: r.Events,
		Lost: r.Lost, EndedTwice: r.EndedTwice, Early: r.Early, Problems: r.Problems,
	}
	var late []int64
	for e, err := range src.Events(ctx, "default", 0, task.Position{}) {
		if err != nil {
			return nil, err
		}
		if e.Kind == task.Released && e.Attempt == 1 {
			late = append(late, e.At.Ms-e.DueMs)
		}
	}
	slices.Sort(late)
	d.Delayed = len(late)
	if n := len(late); n > 0 {
		d.LateP50, d.LateP99, d.LateMax = late[n/2], late[n*99/100], late[n-1]
	}
	return d, nil
}

func (d *demoResult) print(w io.Writer) {
	fmt.Fprintf(w, "\n%-24s %7d   in %.1f s, %.0f a second\n", "enqueued", d.Enqueued, d.Seconds, d.Rate)
	for _, row := range []struct {
		name string
		n    int64
		note string
	}{
		{"succeeded", int64(d.Succeeded), ""},
		{"dead", int64(d.Dead), "as planned: their retries are used up"},
		{"retries", d.Retries, ""},
		{"delayed", int64(d.Delayed), fmt.Sprintf("released late by p50 %d ms, p99 %d ms, max %d ms", d.LateP50, d.LateP99, d.LateMax)},
		{"reclaimed", d.Reclaimed, "deliveries of the killed worker, taken over"},
		{"stale outcomes refused", d.Stale, ""},
	} {
		fmt.Fprintf(w, "%-24s %7d   %s\n", row.name, row.n, row.note)
	}
	fmt.Fprintf(w, "\nfsck: %d events folded and compared with redis: %d lost, %d ended twice, %d early\n", d.Events, d.Lost, d.EndedTwice, d.Early)
	for i, p := range d.Problems {
		if i == 20 {
			fmt.Fprintf(w, "… and %d more\n", len(d.Problems)-i)
			break
		}
		fmt.Fprintf(w, "problem: %s\n", clean(p))
	}
}
