// Command chaos runs the engine as real processes on real servers, does to them
// what can be done, and judges what is left: did it lose, repeat, or start early?
//
//	chaos [run] -seed 7 -for 30s        one run of the mix
//	chaos check DIR                     judge the files of a run again
//	chaos all                           every fault by itself: the whole catalogue
//	chaos soak -for 1h                  runs of a minute in all topologies, in turn
//	chaos recheck DIR...                judge the kept runs of a soak again, for the evidence
//	chaos bugs                          seeded bugs, each of which must be caught
//	chaos evidence                      write docs/EVIDENCE.md from its results
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/integration/check"
)

// Exit codes.
const (
	exitViolation = 1
	exitUsage     = 2
)

// silent drops what go-redis says: it comes back as an error where it matters.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

func main() {
	redis.SetLogger(silent{})
	if text := os.Getenv(roleEnv); text != "" {
		if err := play(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(exitError)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	os.Exit(command(ctx, os.Args[1:]))
}

// command runs a subcommand and returns the exit code.
func command(ctx context.Context, args []string) int {
	name := "run"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	sub, ok := map[string]func(context.Context, []string) (bool, error){
		"run": runOnce, "check": checkDir, "all": runAll, "soak": runSoak, "recheck": recheck, "bugs": runBugs, "evidence": writeEvidence,
	}[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "chaos: no command %q: want run, check, all, soak, recheck, bugs or evidence\n", name)
		return exitUsage
	}
	good, err := sub(ctx, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return exitUsage
	case !good:
		return exitViolation
	}
	return 0
}

func runOnce(ctx context.Context, args []string) (bool, error) {
	o, err := parseOptions(args, os.Stderr)
	if errors.Is(err, errList) {
		return true, listFaults()
	}
	if err != nil {
		return false, err
	}
	say := func(format string, args ...any) { fmt.Printf(format+"\n", args...) }
	if o.quiet {
		say = func(string, ...any) {}
	}
	report, dir, err := perform(ctx, o, say)
	if err != nil {
		return false, err
	}
	return conclude(o, report, dir), nil
}

// conclude prints the report; files of a good run that nobody wanted are removed.
func conclude(o *options, report check.Report, dir string) bool {
	fmt.Print(report.Table())
	if report.Failed() || o.dir != "" {
		fmt.Printf("seed %d: files in %s\n", o.seed, dir)
	} else if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
	}
	return !report.Failed()
}

func checkDir(_ context.Context, args []string) (bool, error) {
	if len(args) != 1 {
		return false, fmt.Errorf("%w: check wants one directory", errUsage)
	}
	report, err := check.Dir(args[0])
	if err != nil {
		return false, err
	}
	fmt.Print(report.Table())
	return !report.Failed(), nil
}

func listFaults() error {
	for _, f := range faults {
		fmt.Printf("%-15s %-38s %s\n", f.name, strings.Join(f.on, " "), f.about)
	}
	return nil
}

func writeEvidence(context.Context, []string) (bool, error) {
	root, err := moduleRoot()
	if err != nil {
		return false, err
	}
	e, err := loadEvidence(root)
	if err != nil {
		return false, err
	}
	page, err := render(e)
	if err != nil {
		return false, err
	}
	if err := os.WriteFile(filepath.Join(root, "docs", "EVIDENCE.md"), []byte(page), 0o644); err != nil {
		return false, err
	}
	return true, intoReadme(filepath.Join(root, "README.md"), e)
}

func names(fs []*fault) string {
	var all []string
	for _, f := range fs {
		all = append(all, f.name)
	}
	return strings.Join(all, " ")
}

func join(words []string) string { return strings.Join(words, " ") }

func itoa(n int) string { return strconv.Itoa(n) }
