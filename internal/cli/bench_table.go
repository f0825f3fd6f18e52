package cli

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tidemill/tidemill/bench"
)

// benchBar is how long the bar of a ratio of 1 is; none is longer than twice that.
const benchBar = 10

// onceMark stands before ratios of a single round, and their bars are made of it.
const onceMark = "~"

// benchTable prints what was measured, and then what was not run.
func (a *app) benchTable(all []bench.Result) {
	t := a.newTable("SCENARIO", "METRIC", "UNIT", "TIDEMILL>", "MIN>", "MAX>", "FLOOR>", "RATIO>", "OF THE FLOOR")
	var why []string
	once := false
	missing := map[string][]string{}
	for _, r := range all {
		if !r.Measured() {
			if !slices.Contains(why, r.Note) {
				why = append(why, r.Note)
			}
			missing[r.Note] = append(missing[r.Note], r.Scenario)
			continue
		}
		floor, ratio := "", ""
		if r.Floor != 0 {
			floor = figure(r.Floor)
		}
		if r.Ratio != 0 {
			ratio = fmt.Sprintf("%.2f", r.Ratio)
		}
		if r.Once() {
			ratio, once = onceMark+ratio, true
		}
		t.row(r.Scenario, r.Metric, r.Unit, figure(r.Tidemill), figure(r.Min), figure(r.Max), floor, ratio, ofFloor(r))
	}
	t.flush()
	if once {
		a.printf("%s measured once: the spread is not known, so it ranks nothing\n", onceMark)
	}
	for _, note := range why {
		a.printf("%s: %s\n", note, strings.Join(missing[note], ", "))
	}
}

// ofFloor draws how near a figure is to the floor, longer is better, or says why
// there is no ratio.
func ofFloor(r bench.Result) string {
	mark := "="
	switch {
	case r.Ratio <= 0 && r.Once():
		return ""
	case r.Ratio <= 0:
		return r.Note
	case r.Once():
		mark = onceMark
	}
	share := r.Ratio
	if !r.MoreIsBetter() {
		share = 1 / share
	}
	n := int(math.Round(share * benchBar))
	if n > 2*benchBar {
		return strings.Repeat(mark, 2*benchBar-1) + ">"
	}
	return strings.Repeat(mark, max(n, 1))
}

func figure(v float64) string {
	switch {
	case math.Abs(v) < 10:
		return fmt.Sprintf("%.2f", v)
	case math.Abs(v) < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// showBench tells where a run is: on a terminal with a bar.
func showBench(p *progress, at bench.Progress) {
	bar := ""
	if p.tty {
		done := barWidth * (at.Rounds*(at.Index-1) + at.Round - 1) / (at.Rounds * at.Of)
		bar = fmt.Sprintf("[%s%s] ", strings.Repeat("=", done), strings.Repeat(" ", barWidth-done))
	}
	p.show("%s%d of %d  %s: round %d of %d, %s, after %s", bar, at.Index, at.Of, at.Scenario, at.Round, at.Rounds, at.Side,
		short(at.Elapsed.Round(time.Second)))
}
