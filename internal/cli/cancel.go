package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
)

// cancelLine is what a cancel came to.
type cancelLine struct {
	ID     engine.ID `json:"id"`
	Result string    `json:"result"` // cancelled, requested or finished
}

// cancelWords are the results and what they mean.
var cancelWords = map[engine.Cancelled][2]string{
	engine.CancelDone:      {"cancelled", "cancelled"},
	engine.CancelRequested: {"requested", "runs: its node was asked to stop it"},
	engine.CancelFinished:  {"finished", "had ended before"},
}

func (a *app) cancelCommand() *cobra.Command {
	var who operator
	c := &cobra.Command{
		Use: "cancel ID... --reason TEXT", Short: "End tasks that wait or are ready, and ask running ones to stop", Args: cobra.MinimumNArgs(1),
		Long: "What waits or is ready ends at once. What runs is told so within a third of its node's lease: the\n" +
			"context of its handler ends. A handler that succeeds nevertheless has succeeded.",
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := parseIDs(args)
			if err != nil {
				return err
			}
			by, err := who.by()
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(eng *engine.Engine) error {
				return a.each(cmd.Context(), ids, func(ctx context.Context, id engine.ID) error {
					result, err := eng.Cancel(ctx, id, by)
					if err != nil {
						return err
					}
					return a.cancelled(id, result)
				})
			})
		},
	}
	who.flags(c)
	return c
}

func (a *app) cancelled(id engine.ID, result engine.Cancelled) error {
	word := cancelWords[result]
	if a.json {
		return a.printJSON(cancelLine{ID: id, Result: word[0]})
	}
	a.printf("%s %s\n", id, word[1])
	return nil
}
