package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

func (a *app) archiveForgetCommand() *cobra.Command {
	var who operator
	c := &cobra.Command{
		Use: "forget --reason TEXT", Short: "Let trim remove what is in no archive", Args: cobra.NoArgs,
		Long: "While a log is archived, trim spares what the archive does not have yet, for ever if nobody archives any\n" +
			"more. This takes that back, for all queues of the namespace. An archive run that begins again begins\n" +
			"behind what was trimmed meanwhile, and the gap shows. Who and why is in the history.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			by, err := who.by()
			if err != nil {
				return err
			}
			return a.brief(cmd.Context(), func(ctx context.Context, eng *engine.Engine) error { return a.archiveForget(ctx, eng, by) })
		},
	}
	who.flags(c)
	return c
}

func (a *app) archiveForget(ctx context.Context, eng *engine.Engine, by engine.By) error {
	queues, err := oneOrAll(ctx, eng, "")
	if err != nil {
		return err
	}
	forgot := []task.Queue{}
	for _, q := range queues {
		spared, err := eng.ForgetArchive(ctx, q, by)
		if err != nil {
			return err
		}
		if spared {
			forgot = append(forgot, q)
		}
	}
	if a.json {
		return a.printJSON(map[string]any{"queues": forgot})
	}
	a.printf("%s: trim goes by the retention alone\n", count(len(forgot), "queue"))
	return nil
}
