package cli

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/bench"
	"github.com/tidemill/tidemill/internal/redisproc"
)

func (a *app) benchCommand() *cobra.Command {
	var o bench.Options
	c := &cobra.Command{
		Use: "bench", Short: "Measure throughput and latency beside bare go-redis, on a throw-away server", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.bench(cmd.Context(), o) },
	}
	c.Flags().StringVar(&o.Only, "scenario", "", "only scenarios whose name contains `TEXT`")
	c.Flags().IntVar(&o.Rounds, "rounds", 5, "rounds of each side, in turns; medians are shown")
	c.Flags().IntVar(&o.Tasks, "tasks", 100_000, "tasks of a round of the throughput scenarios")
	return c
}

func (a *app) bench(ctx context.Context, o bench.Options) error {
	if o.Rounds < 1 || o.Tasks < 1000 {
		return usage(fmt.Errorf("want at least 1 round and 1000 tasks"))
	}
	proc, err := redisproc.Start(ctx, redisproc.Options{TCP: true})
	if err != nil {
		return failure(exitUnavailable, "install redis-server or valkey-server", "bench: %w", err)
	}
	defer func() { _ = proc.Stop() }()
	o.URL = proc.URL()
	p := newProgress(a.err)
	defer p.close()
	o.Progress = func(name string, round, rounds int) { p.show("%s: round %d of %d", name, round, rounds) }
	all, err := bench.Run(ctx, o)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(all)
	}
	p.close()
	return a.benchTable(all)
}

func (a *app) benchTable(all []bench.Result) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "scenario\tmetric\ttidemill\tfloor\tunit\tratio\tmin\tmax\t")
	for _, r := range all {
		floor, ratio := "–", "–"
		if r.Floor != 0 {
			floor, ratio = figure(r.Floor), fmt.Sprintf("%.2f", r.Ratio)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", r.Scenario, r.Metric, figure(r.Tidemill), floor, r.Unit, ratio, figure(r.Min), figure(r.Max))
	}
	return w.Flush()
}

func figure(v float64) string {
	if v < 100 {
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.0f", v)
}
