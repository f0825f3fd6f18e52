package cli

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/replay"
)

// fsckProblems is how many problems are printed without --all.
const fsckProblems = 20

func (a *app) fsckCommand() *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use: "fsck", Short: "Fold the history and compare it with what Redis holds", Args: cobra.NoArgs,
		Long: "Reads the whole log of the namespace and compares the state that it implies with the live one: what\n" +
			"is open, waiting and dead, and every counter. Only reads. Exits 0 only if nothing is wrong. The live\n" +
			"sets of a queue that moves all the time cannot be compared; it says so.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(eng *engine.Engine) error { return a.fsck(cmd.Context(), eng, all) })
		},
	}
	c.Flags().BoolVar(&all, "all", false, "print all problems, not the first 20 alone")
	return c
}

func (a *app) fsck(ctx context.Context, eng *engine.Engine, all bool) error {
	r, err := replay.Fsck(ctx, eng.Log(), eng.Log())
	if err != nil {
		return err
	}
	if a.json {
		r.Problems, r.Gaps, r.Moving = orEmpty(r.Problems), orEmpty(r.Gaps), orEmpty(r.Moving)
		err = a.printJSON(r)
	} else {
		a.fsckReport(r, all)
	}
	if err == nil && !r.OK() {
		err = failure(exitFailed, "tidemill show ID tells the way of a task", "fsck found %s", count(len(r.Problems), "problem"))
	}
	return err
}

func (a *app) fsckReport(r *replay.Report, all bool) {
	a.printf("%s, %s, %s\n", count(r.Partitions, "partition"), count(r.Events, "event"), count(r.Tasks, "task"))
	for _, s := range slices.Sorted(maps.Keys(r.States)) {
		a.printf("%9d %s\n", r.States[s], s)
	}
	a.printf("%d lost, %d ended twice, %d early\n", r.Lost, r.EndedTwice, r.Early)
	for _, g := range r.Gaps {
		if g.Explained {
			a.printf("note: lsn %d to %d were never written: an epoch began (%s)\n", g.From, g.To, clean(g.Why))
		}
	}
	if r.Partial {
		a.printf("note: some history was trimmed: tasks that ended before are not counted\n")
	}
	if len(r.Moving) > 0 {
		a.printf("note: never stood still, so that its live sets were not compared: %s\n", clean(strings.Join(r.Moving, ", ")))
	}
	for i, p := range r.Problems {
		if i == fsckProblems && !all {
			a.printf("… and %d more: --all prints them\n", len(r.Problems)-i)
			break
		}
		a.printf("problem: %s\n", clean(p))
	}
	if len(r.AsOf) > 0 {
		a.printf("as of %s\n", lsns(r.AsOf))
	}
}

// orEmpty makes JSON say [] where there is nothing.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
