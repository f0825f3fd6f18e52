package cli

import (
	"context"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/replay/archive"
	"github.com/tidemill/tidemill/task"
)

func (a *app) archiveForgetCommand() *cobra.Command {
	return &cobra.Command{
		Use: "forget", Short: "Let trim remove what is in no archive", Args: cobra.NoArgs,
		Long: "While a log is archived, trim spares what the archive does not have yet, for ever if nobody archives any\n" +
			"more. This takes that back, for all queues of the namespace. An archive run that begins again begins\n" +
			"behind what was trimmed meanwhile, and the gap shows.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(eng *engine.Engine) error { return a.archiveForget(cmd.Context(), eng) })
		},
	}
}

func (a *app) archiveForget(ctx context.Context, eng *engine.Engine) error {
	queues, err := eng.Log().Queues(ctx)
	if err != nil {
		return err
	}
	for q, n := range queues {
		for i := range n {
			feed, err := eng.Log().Feed(ctx, q, i)
			if err != nil {
				return err
			}
			if err := feed.Spare(ctx, archive.Role, task.Position{}); err != nil {
				return err
			}
		}
	}
	if a.json {
		return a.printJSON(map[string]any{"queues": slices.Sorted(maps.Keys(queues))})
	}
	a.printf("%s: trim goes by the retention alone\n", count(len(queues), "queue"))
	return nil
}
