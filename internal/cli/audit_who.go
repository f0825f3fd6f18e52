package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/rerun"
	"github.com/tidemill/tidemill/task"
)

func (a *app) auditWhoCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "who", Short: "Tell what operators did, and the reasons they gave", Args: cobra.NoArgs,
		Long: "A line for each thing that somebody asked for. Of the tasks that one replay run enqueued, the first has one;\n" +
			"log --header tidemill-replay=NAME lists them.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.ask(cmd, func(src replay.Source) error { return a.auditWho(cmd.Context(), src) })
		},
	}
	sourceFlag(c)
	return c
}

// byOperators are the kinds of event that somebody may have asked for.
var byOperators = []task.Kind{
	task.OutcomeCancel, task.CancelRequested, task.Requeued, task.PurgedDead, task.Redacted, task.Paused, task.Resumed, task.RetentionSet,
	task.Born, task.Scheduled, // by a replay
}

// deed is what an operator did.
type deed struct{ what, actor, reason string }

func deedOf(e *task.Event) deed {
	d := deed{what: e.Kind.String() + "  ", actor: e.Actor, reason: e.Reason}
	switch {
	case e.Kind == task.Born || e.Kind == task.Scheduled:
		h := e.Headers
		return deed{"replayed  " + string(e.Queue) + ": " + h[rerun.HeaderReplay], h[rerun.HeaderActor], h[rerun.HeaderReason]}
	case !e.Task.IsZero():
		d.what += e.Task.String()
	case e.Kind == task.RetentionSet:
		d.what += string(e.Queue) + ": " + string(e.Extra)
	default:
		d.what += string(e.Queue)
	}
	return d
}

func (a *app) auditWho(ctx context.Context, src replay.Source) error {
	replays := map[deed]bool{}
	for e, err := range replay.Select(ctx, src, replay.Filter{Kinds: byOperators}, nil) {
		if err != nil {
			return err
		}
		d := deedOf(&e)
		if d.actor == "" || replays[d] {
			continue // a producer, a node that carried a cancel out, or the next task of a replay
		}
		if e.Actor == "" {
			replays[d] = true
		}
		if a.json {
			if err := a.printJSON(newEventLine(&e)); err != nil {
				return err
			}
			continue
		}
		a.printf("%s  %s  by %s: %s\n", stampMs(e.At.Ms), clean(d.what), clean(d.actor), clean(d.reason))
	}
	return nil
}
