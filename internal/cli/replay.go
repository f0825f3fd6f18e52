package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/rerun"
)

const replayLong = `Replay runs a recorded history again, in one of four modes:

  shadow   runs a command on the payloads of recorded attempts, as work --exec would, and compares the
           outcomes, and what it prints, with what was recorded. The queue does not notice; what the command
           does elsewhere it really does. It finds $TIDEMILL_REPLAY set, to the name of the replay.
  requeue  enqueues tasks that ended once more, with the old id in the header tidemill-cause.
  observe  prints the events as NDJSON, at their pace.
  bench    enqueues as many tasks of the same types and sizes when the recorded ones came, with random
           bytes for payloads, into a queue of its own.

Left out are what no command had a part in (shadow), tasks that a replay made (requeue, bench), and
dead tasks that an operator requeued since (requeue).

plan tells what run would do. Of requeue and bench that is all run does, too, without --yes.`

func (a *app) replayCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "replay", Short: "Run a recorded history again: compare, requeue, observe or load", Long: replayLong, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(a.replayPlanCommand(), a.replayRunCommand())
	return c
}

func (a *app) replayPlanCommand() *cobra.Command {
	var r replayFlags
	c := &cobra.Command{
		Use: "plan", Short: "Tell what a replay would run, by queue, type and outcome", Args: cobra.NoArgs,
		Long:    "Counts what a replay would run, and tells how long its pace takes. Only reads.\n\n" + momentHelp,
		Example: "  tidemill replay plan --from 24h --type email.send\n  tidemill replay plan --mode requeue --kind dead --pace 50/s",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.replaying(cmd, &r, func(src replay.Source, s *rerun.Scope) error { return a.replayPlan(cmd.Context(), src, s, r.mode) })
		},
	}
	r.flags(a, c)
	return c
}

func (a *app) replayRunCommand() *cobra.Command {
	r := replayFlags{run: true}
	c := &cobra.Command{
		Use: "run --mode MODE", Short: "Run it: shadow, requeue, observe or bench", Args: cobra.NoArgs,
		Long: replayLong + "\n\n" +
			"An interrupted run tells what it did; with --cursor FILE the next one goes on behind it. A requeue\n" +
			"may be run again under its --name in any case: it makes no task twice.\n\n" +
			"With --threshold a shadow run exits 1 if more attempts changed, or if there was none to compare:\n" +
			"another outcome is a change, and another standard output than what succeeded had then, or with\n" +
			"--against than the earlier run had. A changed error text is told, and is none.\n\n" + momentHelp,
		Example: "  tidemill replay run --mode shadow --from 24h --exec 'email.send=./send --dry-run' --threshold 1%\n" +
			"  tidemill replay run --mode requeue --kind dead --from 14:00 --name fix-112 --reason 'issue 112' --pace 50/s --yes\n" +
			"  tidemill replay run --mode bench --into load --pace 2x --yes",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := r.check(); err != nil {
				return err
			}
			return a.replaying(cmd, &r, func(src replay.Source, s *rerun.Scope) error { return a.replayRun(cmd.Context(), src, s, &r) })
		},
	}
	r.flags(a, c)
	r.runFlags(c)
	return c
}

// replaying reads the flags, lends the history, and keeps the cursor.
func (a *app) replaying(cmd *cobra.Command, r *replayFlags, do func(replay.Source, *rerun.Scope) error) error {
	s, err := r.scope(time.Now())
	if err != nil {
		return err
	}
	src, closer, err := a.openSource(cmd)
	if err != nil {
		return err
	}
	if err = bound(cmd.Context(), src, s); err == nil {
		err = do(src, s)
	}
	if r.run && r.cursor != "" {
		err = errors.Join(err, saveCursor(r.cursor, s.Cursor))
	}
	if err = errors.Join(err, closer.Close()); errors.Is(err, replay.ErrInvalidCursor) {
		err = failure(exitData, "the cursor is of another history: name another file with --cursor", "%w", err)
	}
	return err
}

// bound keeps a run to what is there when it begins, so that it does not follow a
// log that grows while it is read.
func bound(ctx context.Context, src replay.Source, s *rerun.Scope) error {
	live, ok := src.(interface {
		Now(ctx context.Context) (time.Time, error)
	})
	if !ok || !s.Filter.To.IsZero() || s.Filter.ToLSN != 0 {
		return nil
	}
	now, err := live.Now(ctx)
	if err != nil {
		return err
	}
	if now = now.Add(time.Millisecond); !s.Filter.From.IsZero() && !s.Filter.From.Before(now) {
		return failure(exitData, "", "--from %s is in the future", stamp(s.Filter.From))
	}
	s.Filter.To = now
	return nil
}

// replayRun runs in the mode that was asked for.
func (a *app) replayRun(ctx context.Context, src replay.Source, s *rerun.Scope, r *replayFlags) error {
	switch r.mode {
	case rerun.ModeShadow:
		return a.replayShadow(ctx, src, s, r)
	case rerun.ModeObserve:
		return a.replayObserve(ctx, src, s)
	case rerun.ModeRequeue, rerun.ModeBench:
		if r.yes {
			return a.replayEnqueue(ctx, src, s, r)
		}
		if err := a.replayPlan(ctx, src, s, r.mode); err != nil || a.json {
			return err
		}
		a.printf("nothing was enqueued: --yes does it\n")
		return nil
	}
	panic(fmt.Sprintf("cli: mode %s", r.mode))
}
