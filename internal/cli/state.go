package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// stateAsk is what state is asked.
type stateAsk struct {
	at, queue, id string
	partition     int
}

func (a *app) stateCommand() *cobra.Command {
	var o stateAsk
	c := &cobra.Command{
		Use: "state", Short: "Tell what the queues, or a task, looked like at a moment", Args: cobra.NoArgs,
		Long: "Folds the history up to a moment. WAITING to DEAD tell how many tasks stood there then; READY counts\n" +
			"those that ran too, since a delivery is no event, and TAKEN those of them that had been taken over\n" +
			"from a silent consumer. The columns behind NEXT DUE are totals up to then. The last lines name the\n" +
			"lsn that each partition is told of. With --task it tells of one task.\n\n" + momentHelp +
			"\nAn lsn is that of one partition: name the queue, and of several partitions the one, from 0.",
		Example: "  tidemill state --at 14:02\n  tidemill state --at 4711 --queue mail --partition 3 --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, id, err := o.parse(cmd)
			if err != nil {
				return err
			}
			return a.ask(cmd, func(src replay.Source) error { return a.state(cmd.Context(), src, m, id) })
		},
	}
	f := c.Flags()
	f.StringVar(&o.at, "at", "", "the `MOMENT` (default the latest)")
	a.queueFlag(c, &o.queue)
	f.IntVar(&o.partition, "partition", 0, "with an lsn: the partition of the queue it is of, from 0")
	f.StringVar(&o.id, "task", "", "tell where the task `ID` stood")
	sourceFlag(c)
	return c
}

func (o *stateAsk) parse(cmd *cobra.Command) (m replay.Moment, id task.ID, err error) {
	if m, err = parseMoment("at", o.at, time.Now()); err != nil {
		return m, id, err
	}
	if cmd.Flags().Changed("partition") && m.LSN == 0 {
		return m, id, usage(errors.New("--partition says which partition an lsn is of: --at LSN"))
	}
	if _, err := narrow(o.queue, "", 0); err != nil {
		return m, id, err
	}
	m.Queue, m.Partition = task.Queue(o.queue), o.partition
	if o.id != "" {
		if id, err = task.ParseID(o.id); err != nil {
			return m, id, badID(err)
		}
	}
	return m, id, nil
}

func (a *app) state(ctx context.Context, src replay.Source, m replay.Moment, id task.ID) error {
	s, err := replay.At(ctx, src, m)
	if err != nil {
		return err
	}
	if !id.IsZero() {
		return a.stateOf(ctx, s, id)
	}
	if a.json {
		return a.printJSON(s)
	}
	t := a.newTable("QUEUE", "WAITING>", "READY>", "TAKEN>", "DEAD>", "PAUSED", "OLDEST OPEN", "NEXT DUE",
		"ENQUEUED>", "SUCCEEDED>", "RETRIED>", "DIED>", "CANCELLED>", "EXPIRED>")
	for i := range s.Queues {
		q := &s.Queues[i]
		t.row(string(q.Queue), num(q.Waiting), num(q.Ready), num(q.Taken), num(q.Dead), map[bool]string{true: "paused"}[q.Paused],
			stamp(q.OldestAt), stamp(q.NextDueAt), num(q.Enqueued), num(q.Succeeded), num(q.Retried), num(q.Buried), num(q.Cancelled), num(q.Expired))
	}
	t.flush()
	a.asOf(s)
	return nil
}

// asOf tells what the answer is true of.
func (a *app) asOf(s *replay.State) {
	if s.At.IsZero() {
		a.printf("the history is empty: the first enqueue begins it\n")
		return
	}
	a.printf("as of %s: %s\n", stamp(s.At), lsns(s.AsOf))
	for i := range s.Queues {
		if q := &s.Queues[i]; q.Partial {
			a.printf("note: some history of %s was trimmed: its totals count from there\n", q.Queue)
		}
		if q := &s.Queues[i]; q.Lost > 0 {
			a.printf("note: the entry of %s of %s had vanished from the stream\n", count(q.Lost, "task"), q.Queue)
		}
	}
}

// lsns lists the lsn of each partition.
func lsns(asOf map[string]int64) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(asOf)) {
		all = append(all, fmt.Sprintf("%s lsn %d", name, asOf[name]))
	}
	return strings.Join(all, ", ")
}
