package cli

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// lsStates are the states that are listed: what ended otherwise is in the log
// alone, where tail and show find it.
var lsStates = []string{"waiting", "ready", "running", "dead"}

// maxErrorCell bounds an error in a table.
const maxErrorCell = 100

func (a *app) lsCommand() *cobra.Command {
	var state, queue, typ string
	var limit int
	c := &cobra.Command{
		Use: "ls --state STATE", Short: "List tasks that wait, are ready, run or are dead", Args: cobra.NoArgs,
		Long: "States: waiting (the soonest first), ready (in the order of delivery), running (the oldest delivery\n" +
			"first), dead (the oldest first); of several partitions one after the other.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := task.ParseState(state)
			if err != nil || listing(s) == nil {
				return usage(fmt.Errorf("--state %q: want %s", clip(state, 40), strings.Join(lsStates, ", ")))
			}
			f, err := narrow(queue, typ, limit)
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(eng *engine.Engine) error { return a.ls(cmd.Context(), eng, s, f) })
		},
	}
	c.Flags().StringVar(&state, "state", "", "waiting, ready, running or dead `STATE` (required)")
	_ = c.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(lsStates, cobra.ShellCompDirectiveNoFileComp))
	a.queueFlag(c, &queue)
	c.Flags().StringVar(&typ, "type", "", "only this type `NAME`")
	c.Flags().IntVar(&limit, "limit", 50, "at most so many, 0: all `N`")
	return c
}

// listing is how the tasks of a state are listed; nil if they are not.
func listing(s task.State) func(*streams.Reader, context.Context, engine.Filter) iter.Seq2[task.Status, error] {
	switch s {
	case task.Waiting:
		return (*streams.Reader).Waiting
	case task.Ready:
		return (*streams.Reader).Ready
	case task.Running:
		return (*streams.Reader).Running
	case task.Dead:
		return (*streams.Reader).Dead
	default:
		return nil
	}
}

func (a *app) ls(ctx context.Context, eng *engine.Engine, s task.State, f engine.Filter) error {
	now, err := eng.Log().Now(ctx)
	if err != nil {
		return err
	}
	where := places{}
	if s == task.Running && !a.json {
		nodes, err := eng.Log().Nodes(ctx)
		if err != nil {
			return err
		}
		where = newPlaces(nodes)
	}
	t := a.newTable(lsColumns(s)...)
	defer t.flush()
	for st, err := range listing(s)(eng.Log(), ctx, f) {
		if err != nil {
			return err
		}
		if a.json {
			if err := a.printJSON(newStatusLine(&st)); err != nil {
				return err
			}
			continue
		}
		t.row(lsRow(s, &st, now, where)...)
	}
	if f.Limit > 0 && t.shown == f.Limit {
		t.flush()
		fmt.Fprintf(a.err, "%d shown, there may be more: --limit N, or 0 for all\n", t.shown)
	}
	return nil
}
