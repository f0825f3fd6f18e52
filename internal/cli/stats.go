package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// statsAsk is what stats is asked.
type statsAsk struct {
	stretch
	queues, types []string
	every         time.Duration
	top           int
}

func (a *app) statsCommand() *cobra.Command {
	var o statsAsk
	c := &cobra.Command{
		Use: "stats", Short: "Count what happened, by type and time, with waits, run times and errors", Args: cobra.NoArgs,
		Long: "Counts the events of a stretch of the history by type, and in rows of --every. WAIT is the time from\n" +
			"a birth or release to the start of the attempt, RUN that of the attempt; both count where an attempt\n" +
			"ends, and their quantiles are less than 4 % off. Errors that differ in numbers and ids alone are one\n" +
			"group.\n\n" + momentHelp,
		Example: "  tidemill stats --from 24h --every 1h\n  tidemill stats --from 14:00 --to 14:30 --type email.send --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := o.filter(time.Now())
			if err != nil {
				return err
			}
			return a.ask(cmd, func(src replay.Source) error { return a.stats(cmd.Context(), src, f, &o) })
		},
	}
	f := c.Flags()
	f.StringVar(&o.from, "from", "", "from this `MOMENT` on")
	f.StringVar(&o.to, "to", "", "before this time, or up to this lsn `MOMENT`")
	f.DurationVar(&o.every, "every", 0, "a row for each stretch of this length, as 1m (default one row a type)")
	f.StringSliceVar(&o.queues, "queue", nil, "only of these queues `NAME,…`")
	_ = c.RegisterFlagCompletionFunc("queue", a.completeQueues)
	f.StringSliceVar(&o.types, "type", nil, "only of these types `NAME,…`")
	f.IntVar(&o.top, "top", 10, "print at most so many groups of errors `N`")
	sourceFlag(c)
	return c
}

// filter reads the flags before anything is asked.
func (o *statsAsk) filter(now time.Time) (f replay.Filter, err error) {
	if o.every < 0 || o.every%time.Millisecond != 0 {
		return f, usage(fmt.Errorf("--every %s: want whole milliseconds", o.every))
	}
	if o.top < 0 {
		return f, usage(fmt.Errorf("--top %d is negative", o.top))
	}
	if f.Queues, err = names[task.Queue]("queue", o.queues); err != nil {
		return f, err
	}
	if f.Types, err = names[task.Type]("type", o.types); err != nil {
		return f, err
	}
	return f, o.narrow(&f, now)
}

func (a *app) stats(ctx context.Context, src replay.Source, f replay.Filter, o *statsAsk) error {
	s, err := replay.Statistics(ctx, src, f, o.every)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(s)
	}
	a.statsRows(s, o.every > 0)
	a.statsErrors(s.Errors, o.top)
	if len(s.AsOf) > 0 {
		a.printf("as of %s\n", lsns(s.AsOf))
	}
	return nil
}

func (a *app) statsRows(s *replay.Stats, rows bool) {
	columns := []string{
		"TYPE", "ENQUEUED>", "SUCCEEDED>", "RETRIED>", "SNOOZED>", "DEAD>", "CANCELLED>", "EXPIRED>",
		"WAIT P50>", "P95>", "P99>", "RUN P50>", "P95>", "P99>",
	}
	if rows {
		columns = append([]string{"FROM"}, columns...)
	}
	t := a.newTable(columns...)
	if rows {
		for i := range s.Rows {
			t.row(append([]string{stamp(s.Rows[i].Start)}, statsCells(&s.Rows[i])...)...)
		}
	}
	for i := range s.Total {
		cells := statsCells(&s.Total[i])
		if rows {
			cells = append([]string{"all"}, cells...)
		}
		t.row(cells...)
	}
	t.flush()
	if len(s.Total) == 0 {
		a.printf("nothing happened then\n")
	}
}

func statsCells(r *replay.StatsRow) []string {
	cells := []string{
		string(r.Type), num(r.Enqueued), num(r.Succeeded), num(r.Retried), num(r.Snoozed), num(r.Dead), num(r.Cancelled), num(r.Expired),
	}
	for _, h := range []*replay.Histogram{r.Wait, r.Run} {
		for _, q := range []float64{0.5, 0.95, 0.99} {
			if h.N() == 0 {
				cells = append(cells, "")
			} else {
				cells = append(cells, short(h.Quantile(q)))
			}
		}
	}
	return cells
}

func (a *app) statsErrors(groups []replay.ErrorGroup, top int) {
	if len(groups) == 0 || top == 0 {
		return
	}
	a.printf("\n")
	t := a.newTable("ERRORS>", "DEAD>", "TYPE", "ERROR", "LAST", "EXAMPLE")
	for i := range groups[:min(top, len(groups))] {
		g := &groups[i]
		t.row(num(g.Count), num(g.Dead), string(g.Type), clip(g.Text, maxErrorCell), stamp(g.LastAt), g.Example.String())
	}
	t.flush()
	if n := len(groups) - top; n > 0 {
		a.printf("… and %s more: --top prints them\n", count(n, "group"))
	}
	a.printf("\n")
}
