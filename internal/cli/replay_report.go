package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/rerun"
	"github.com/tidemill/tidemill/task"
)

// replayPlan tells what a run would do.
func (a *app) replayPlan(ctx context.Context, src replay.Source, s *rerun.Scope, m rerun.Mode) error {
	p, err := s.Plan(ctx, src, m)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(p)
	}
	t := a.newTable("QUEUE", "TYPE", "RECORDED", "COUNT>", "BYTES>")
	for _, r := range p.Rows {
		t.row(string(r.Queue), string(r.Type), r.Kind.String(), strconv.Itoa(r.Count), bytesOf(r.Bytes))
	}
	t.flush()
	a.printf("%s: %s, %s of payload", p.Mode, count(p.Count, noun(m)), bytesOf(p.Bytes))
	if p.Count > 0 {
		a.printf(", recorded %s to %s", stamp(p.FirstAt), stamp(p.LastAt))
	}
	if p.Ran > 0 {
		a.printf(", ran %s then", short(p.Ran))
	}
	a.printf("\n")
	if p.LeftOut > 0 {
		a.printf("left out: %d\n", p.LeftOut)
	}
	if s.Pace != (rerun.Pace{}) {
		a.printf("pace %s: takes %s\n", p.Pace, short(p.Takes))
	}
	return nil
}

// noun is what a mode counts.
func noun(m rerun.Mode) string {
	switch m {
	case rerun.ModeObserve:
		return "event"
	case rerun.ModeShadow:
		return "attempt"
	case rerun.ModeRequeue, rerun.ModeBench:
		return "task"
	}
	panic("cli: mode " + string(m))
}

// shadowReport tells what a shadow run found.
func (a *app) shadowReport(d *rerun.Diff) {
	t := a.newTable("TYPE", "RECORDED", "NOW", "ATTEMPTS>", "CHANGE")
	for _, d := range d.Types() {
		for _, then := range slices.Sorted(maps.Keys(d.Matrix)) {
			for _, now := range slices.Sorted(maps.Keys(d.Matrix[then])) {
				t.row(string(d.Type), then.String(), now.String(), strconv.Itoa(d.Matrix[then][now]), changed(then, now))
			}
		}
	}
	t.flush()
	for _, t := range d.Types() {
		a.typeReport(t)
	}
	for _, why := range slices.Sorted(maps.Keys(d.NotRun)) {
		a.printf("not compared: %s: %s\n", count(d.NotRun[why], "attempt"), clean(why))
	}
	a.printf("%s compared, %d changed (%.3g%%)\n", count(d.Compared, "attempt"), d.Changed, d.Percent())
}

func changed(then, now task.Kind) string {
	if then == now {
		return "same"
	}
	return "changed"
}

func (a *app) typeReport(t *rerun.TypeDiff) {
	a.printf("%s: p50 %s, was %s (×%.2g); p95 %s, was %s (×%.2g)\n", t.Type,
		short(t.P50.Now), short(t.P50.Then), t.P50.Ratio, short(t.P95.Now), short(t.P95.Then), t.P95.Ratio)
	if t.Digests > 0 {
		a.printf("%s: %d of %s changed\n", t.Type, t.DigestsChanged, count(t.Digests, "result"))
	}
	for i, e := range t.Errors {
		if i == maxShadowErrors {
			a.printf("… and %d more: --json tells them\n", len(t.Errors)-i)
			break
		}
		a.printf("%s: other error, %d times: %q, was %q\n", t.Type, e.Count, clean(e.Now), clean(e.Then))
	}
	for _, e := range t.Examples {
		what := fmt.Sprintf("%s, was %s", e.Now, e.Then)
		if e.Before != "" {
			what += ", another result"
		}
		if e.Error != "" {
			what += ": " + clean(e.Error)
		}
		a.printf("example: %s attempt %d: %s\n", e.ID, e.Attempt, what)
	}
}

// maxShadowErrors is how many changed errors of a type are printed.
const maxShadowErrors = 5
