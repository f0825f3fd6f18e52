package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/bench"
	"github.com/tidemill/tidemill/internal/redisproc"
)

func (a *app) benchCommand() *cobra.Command {
	var o bench.Options
	var profiles string
	c := &cobra.Command{
		Use: "bench", Short: "Measure throughput, latency and cost beside bare go-redis", Args: cobra.NoArgs, Long: benchHelp(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Rounds < 0 || o.Tasks < 0 || cmd.Flags().Changed("tasks") && o.Tasks < 100 {
				return usage(errors.New("want at least 1 round and 100 tasks"))
			}
			if cmd.Flags().Changed("namespace") {
				o.Namespace = a.namespace
			}
			o.URL = a.url
			return a.profiled(profiles, func() error { return a.bench(cmd.Context(), o) })
		},
	}
	f := c.Flags()
	f.StringSliceVar(&o.Scenarios, "scenario", nil, "only these scenarios or families, `NAMES`, as in drain/64,enqueue")
	f.BoolVar(&o.Quick, "quick", false, "the quick scenarios (marked * above), in less than a minute")
	f.IntVar(&o.Rounds, "rounds", 0, "rounds of each side, in turns; medians are shown (default 5; quick 3, fewer where time is short)")
	f.IntVar(&o.Tasks, "tasks", 0, "tasks of a round; other counts are in proportion (default 100000, quick 20000)")
	f.StringVar(&profiles, "profile", "", "leave cpu.pprof and allocs.pprof in `DIR`, labelled by scenario and side")
	_ = c.RegisterFlagCompletionFunc("scenario", completeScenarios) // fails only where the flag does not exist
	c.AddCommand(a.benchWorkerCommand())
	return c
}

func benchHelp() string {
	var b strings.Builder
	b.WriteString("Moves the same bytes by Tidemill and by bare go-redis (the floor), in turns on one server, and prints\n" +
		"medians and ratios. Without --redis it starts a throw-away server; $TIDEMILL_REDIS is not looked at.\n" +
		"With --redis it works in the namespace bench (or --namespace), which must be empty and is emptied again;\n" +
		"scenarios that need another persistence or latency, a kill, or a server without other users are not run.\n\n" +
		"A ratio of rounds that differ by more than their median is not printed; one of a single round is marked ~.\n" +
		"--json prints an array of {scenario, metric, unit, tidemill, floor, ratio, min, max, note}. floor is left out\n" +
		"where there is none, ratio there and where it would rank noise; note, else left out, says why there is no\n" +
		"figure, no ratio or no spread. min and max are of tidemill.\n\n" +
		"Counts below are of 100,000 tasks a round. --quick makes a fifth of them, but the 100,000 due at once:\n" +
		"lateness is that of 400 tasks due in 2 s, pickup that of 1,000 in 1 s, idle of 200 in 2 s, and where\n" +
		"there are fewer than 1,000 there is no p99.9. It makes fewer rounds where time is short.\n\nScenarios:\n")
	for _, s := range bench.Scenarios() {
		mark := " "
		if s.Quick {
			mark = "*"
		}
		fmt.Fprintf(&b, "%s %-16s %s\n", mark, s.Name, s.About)
	}
	return strings.TrimRight(b.String(), "\n")
}

func completeScenarios(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return scenarioNames(), cobra.ShellCompDirectiveNoFileComp
}

func scenarioNames() []string {
	var names []string
	for _, s := range bench.Scenarios() {
		names = append(names, s.Name)
	}
	return names
}

// bench runs, and prints what was measured, also when it was interrupted.
func (a *app) bench(ctx context.Context, o bench.Options) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	o.Worker = []string{self, "bench", "worker"}
	p := newProgress(a.err)
	o.Progress = func(at bench.Progress) { showBench(p, at) }
	all, err := bench.Run(ctx, o)
	p.close()
	if len(all) > 0 || err == nil {
		if printed := a.printBench(all); err == nil {
			err = printed
		}
	}
	return benchError(err)
}

func (a *app) printBench(all []bench.Result) error {
	if a.json {
		return a.printJSON(all)
	}
	a.benchTable(all)
	return nil
}

// benchError adds what to do next.
func benchError(err error) error {
	switch {
	case errors.Is(err, bench.ErrUnknownScenario):
		return failure(exitUsage, "there are "+strings.Join(scenarioNames(), ", "), "%w", err)
	case errors.Is(err, bench.ErrNotEmpty):
		return failure(exitUnavailable, "bench never touches what is there: name a namespace that nobody uses with --namespace NAME", "%w", err)
	case errors.Is(err, bench.ErrURL):
		return failure(exitData, "bench measures one server; it cannot go through sentinels, to a cluster, or into this process", "%w", err)
	case errors.Is(err, redisproc.ErrNotFound):
		return failure(exitUnavailable, "install redis-server or valkey-server, or name a Redis with --redis URL", "%w", err)
	}
	return err
}

// benchWorkerCommand is the process that the scenario crash kills.
func (a *app) benchWorkerCommand() *cobra.Command {
	return &cobra.Command{
		Use: "worker URL NAMESPACE", Hidden: true, Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return bench.Work(cmd.Context(), a.in, args[0], args[1])
		},
	}
}
