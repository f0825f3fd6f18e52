package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

func (a *app) pauseCommand() *cobra.Command {
	return a.switchCommand("pause", "Stop deliveries of a queue on all nodes; what runs goes on", true, (*engine.Engine).Pause)
}

func (a *app) resumeCommand() *cobra.Command {
	return a.switchCommand("resume", "Let a paused queue deliver again", false, (*engine.Engine).Resume)
}

// switchCommand turns deliveries of a queue off or on. Doing so twice changes nothing.
func (a *app) switchCommand(verb, short string, paused bool, do func(*engine.Engine, context.Context, task.Queue, engine.By) error) *cobra.Command {
	var who operator
	c := &cobra.Command{
		Use: verb + " QUEUE --reason TEXT", Short: short, Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeQueues,
		RunE: func(cmd *cobra.Command, args []string) error {
			q := task.Queue(args[0])
			if err := task.ValidName("queue", args[0]); err != nil {
				return err
			}
			by, err := who.by()
			if err != nil {
				return err
			}
			return a.brief(cmd.Context(), func(ctx context.Context, eng *engine.Engine) error {
				if err := do(eng, ctx, q, by); err != nil {
					return err
				}
				return a.switched(q, verb, paused)
			})
		},
	}
	who.flags(c)
	return c
}

func (a *app) switched(q task.Queue, verb string, paused bool) error {
	if a.json {
		return a.printJSON(struct {
			Queue  task.Queue `json:"queue"`
			Paused bool       `json:"paused"`
		}{q, paused})
	}
	a.printf("%sd %s\n", verb, q)
	return nil
}
