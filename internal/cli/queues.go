package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

// queueLine is one queue, its partitions added up.
type queueLine struct {
	Queue      task.Queue `json:"queue"`
	Partitions int        `json:"partitions"`
	Paused     bool       `json:"paused"`
	Waiting    int64      `json:"waiting"`
	Ready      int64      `json:"ready"`
	Running    int64      `json:"running"`
	Dead       int64      `json:"dead"`                     // to be requeued or purged
	NextDueIn  *int64     `json:"next_due_in_ms,omitempty"` // below zero: overdue

	Enqueued  int64 `json:"enqueued_total"`
	Succeeded int64 `json:"succeeded_total"`
	Retried   int64 `json:"retried_total"`
	Snoozed   int64 `json:"snoozed_total"`
	Died      int64 `json:"dead_total"`
	Cancelled int64 `json:"cancelled_total"`
	Expired   int64 `json:"expired_total"`
	Requeued  int64 `json:"requeued_total"`
	Purged    int64 `json:"purged_total"`
}

func newQueueLine(s *task.Stats, partitions int) queueLine {
	l := queueLine{
		Queue: s.Queue, Partitions: partitions, Paused: s.Paused,
		Waiting: s.Waiting, Ready: s.Ready, Running: s.Running, Dead: s.Dead,
		Enqueued: s.Enqueued, Succeeded: s.Succeeded, Retried: s.Retried, Snoozed: s.Snoozed, Died: s.Buried,
		Cancelled: s.Cancelled, Expired: s.Expired, Requeued: s.Requeued, Purged: s.Purged,
	}
	if s.NextDueMs != 0 {
		in := s.NextDueMs - s.NowMs
		l.NextDueIn = &in
	}
	return l
}

func (a *app) queuesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "queues", Short: "List the queues and how many tasks stand where", Args: cobra.NoArgs,
		Long: "One line a queue, its partitions added up. WAITING to DEAD tell how many tasks stand there now;\n" +
			"the columns behind NEXT DUE are totals since the queue was made.",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.brief(cmd.Context(), a.queues) },
	}
}

func (a *app) queues(ctx context.Context, eng *engine.Engine) error {
	partitions, err := eng.Log().Queues(ctx)
	if err != nil {
		return err
	}
	all, err := eng.Stats(ctx)
	if err != nil {
		return err
	}
	t := a.newTable("QUEUE", "WAITING>", "READY>", "RUNNING>", "DEAD>", "PAUSED", "NEXT DUE", "ENQUEUED>", "SUCCEEDED>", "RETRIED>", "DIED>")
	for i := range all.Queues {
		l := newQueueLine(&all.Queues[i], partitions[all.Queues[i].Queue])
		if a.json {
			if err := a.printJSON(l); err != nil {
				return err
			}
			continue
		}
		t.row(string(l.Queue), num(l.Waiting), num(l.Ready), num(l.Running), num(l.Dead), l.pause(), l.nextDue(),
			num(l.Enqueued), num(l.Succeeded), num(l.Retried), num(l.Died))
	}
	t.flush()
	if len(all.Queues) == 0 && !a.json {
		a.printf("no queues yet: the first enqueue makes one\n")
	}
	return nil
}

func (l *queueLine) pause() string {
	if l.Paused {
		return "paused"
	}
	return ""
}

func (l *queueLine) nextDue() string {
	if l.NextDueIn == nil {
		return ""
	}
	return due(time.Duration(*l.NextDueIn) * time.Millisecond)
}

func num(n int64) string { return strconv.FormatInt(n, 10) }
