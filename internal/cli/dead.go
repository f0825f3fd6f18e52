package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

func (a *app) deadCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "dead", Short: "List, requeue or purge tasks that failed for good", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(a.deadListCommand(), a.requeueCommand(), a.purgeCommand())
	return c
}

func (a *app) deadListCommand() *cobra.Command {
	var queue, typ string
	var limit int
	c := &cobra.Command{
		Use: "ls", Short: "List dead tasks, the oldest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := narrow(queue, typ, limit)
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(eng *engine.Engine) error { return a.ls(cmd.Context(), eng, task.Dead, f) })
		},
	}
	a.queueFlag(c, &queue)
	c.Flags().StringVar(&typ, "type", "", "only this type `NAME`")
	c.Flags().IntVar(&limit, "limit", 50, "at most so many, 0: all `N`")
	return c
}

// choice says which dead tasks a verb is for: ids, or all that a filter lets by.
type choice struct {
	ids []engine.ID
	all bool

	queue, typ string
	limit      int
	filter     engine.Filter
}

func (c *choice) flags(a *app, cmd *cobra.Command) {
	cmd.Flags().BoolVar(&c.all, "all", false, "all dead tasks, or those of --queue and --type")
	a.queueFlag(cmd, &c.queue)
	cmd.Flags().StringVar(&c.typ, "type", "", "with --all: only this type `NAME`")
	cmd.Flags().IntVar(&c.limit, "limit", 0, "with --all: at most so many, the oldest, 0: all `N`")
}

// read checks the command line before anything is asked.
func (c *choice) read(args []string) (err error) {
	if c.filter, err = narrow(c.queue, c.typ, c.limit); err != nil {
		return err
	}
	switch {
	case c.all && len(args) > 0:
		return usage(errors.New("name ids or --all, not both"))
	case !c.all && len(args) == 0:
		return usage(errors.New("name ids, or --all (with --queue, --type, --limit) for many"))
	case !c.all && (c.queue != "" || c.typ != "" || c.limit != 0):
		return usage(errors.New("--queue, --type and --limit go with --all"))
	}
	c.ids, err = parseIDs(args)
	return err
}

// find returns the ids that are meant. Those of a filter are read whole before
// the first is touched: acting on a list while reading it would skip some, and
// what dies again meanwhile would come round again.
func (c *choice) find(ctx context.Context, eng *engine.Engine) ([]engine.ID, error) {
	if !c.all {
		return c.ids, nil
	}
	var ids []engine.ID
	for st, err := range eng.Dead(ctx, c.filter) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, st.ID)
	}
	return ids, nil
}
