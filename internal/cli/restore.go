package cli

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/archive"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// restoreAsk is what restore is told.
type restoreAsk struct {
	dir, at, into, queue string
	yes                  bool
}

func (a *app) restoreCommand() *cobra.Command {
	var o restoreAsk
	c := &cobra.Command{
		Use: "restore", Short: "Write the queues as they were at a moment into an empty namespace", Args: cobra.NoArgs,
		Long: "Copies the log of an archive up to a moment, with the addresses it had, and what waited and was dead\n" +
			"then. What was ready or running is taken over by the first node, which begins a new epoch. Without\n" +
			"--yes it tells what it would write. Idempotency keys are not restored. At the end it runs fsck.\n\n" + momentHelp +
			"\nAn lsn is that of one partition: where several are restored, name a time.",
		Example: "  tidemill restore --archive history/ --at 14:02 --into before-the-incident --yes",
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.restore(cmd.Context(), o) },
	}
	f := c.Flags()
	f.StringVar(&o.dir, "archive", "", "the archive, a `DIR`")
	f.StringVar(&o.at, "at", "", "the `MOMENT`")
	f.StringVar(&o.into, "into", "", "the `NAMESPACE`, which must be empty")
	f.StringVar(&o.queue, "queue", "", "this queue alone")
	f.BoolVar(&o.yes, "yes", false, "write, do not only tell")
	for _, name := range []string{"archive", "at", "into"} {
		_ = c.MarkFlagRequired(name)
	}
	return c
}

func (a *app) restore(ctx context.Context, o restoreAsk) error {
	m, err := parseMoment("at", o.at, time.Now())
	if err != nil {
		return err
	}
	m.Queue = task.Queue(o.queue)
	ar, err := openArchive(ctx, o.dir)
	if err != nil {
		return err
	}
	if err := o.ambiguous(ctx, ar, m); err != nil {
		return err
	}
	s, err := replay.At(ctx, ar, m)
	if errors.Is(err, replay.ErrOutside) {
		return failure(exitData, "name a moment in between", "%w", err)
	}
	if err != nil {
		return told(err)
	}
	if err := a.restorePlan(s, &o); err != nil || !o.yes {
		return err
	}
	a.namespace = o.into
	if err := a.write(ctx, ar, s, m); err != nil {
		if hint := refusedHint(err, o.into); hint != "" {
			return failure(exitData, hint, "%w", err)
		}
		return err
	}
	return a.with(ctx, func(eng *engine.Engine) error { return a.fsck(ctx, eng, false) })
}

// ambiguous refuses an lsn where several partitions are asked for: each has its own.
func (o *restoreAsk) ambiguous(ctx context.Context, ar *archive.Archive, m replay.Moment) error {
	known, err := ar.Queues(ctx)
	if err != nil || m.LSN == 0 {
		return err
	}
	n, queues := 0, 0
	for q, partitions := range known {
		if m.Queue == "" || q == m.Queue {
			n, queues = n+partitions, queues+1
		}
	}
	if n <= 1 {
		return nil
	}
	hint := "--at takes a time, too, which is one for all"
	if queues > 1 {
		hint += "; --queue NAME restores one queue alone"
	}
	return failure(exitData, hint, "restore: lsn %d is of one partition, and there are %d", m.LSN, n)
}

// refusedHint is what to do about a namespace that is not empty.
func refusedHint(err error, into string) string {
	switch {
	case errors.Is(err, streams.ErrHalfRestored):
		return "if it does not run any more, name another namespace"
	case errors.Is(err, streams.ErrNotEmpty):
		return "name a namespace that was never used"
	}
	return ""
}

// write restores the queues of a state.
func (a *app) write(ctx context.Context, ar *archive.Archive, s *replay.State, m replay.Moment) error {
	l, err := streams.New(a.address(), streams.Options{Namespace: a.namespace})
	if err != nil {
		return err
	}
	bound := task.Position{Ms: math.MaxInt64, LSN: math.MaxInt64}
	if m.LSN != 0 {
		bound.LSN = m.LSN
	} else {
		bound.Ms = m.Time.UnixMilli()
	}
	var pasts []streams.Past
	for _, q := range s.Queues {
		for n := range q.Partitions {
			if ms := ar.Segments(q.Queue, n); len(ms) > 0 {
				pasts = append(pasts, streams.Past{Queue: q.Queue, Number: ms[0].Number, Entries: ar.Past(ctx, q.Queue, n, bound)})
			}
		}
	}
	return errors.Join(l.Restore(ctx, pasts), l.Close())
}
