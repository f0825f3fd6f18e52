package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// options of one run.
type options struct {
	seed        uint64
	length      time.Duration // of the stretch with faults
	faults      []string      // empty: the mix of the topology
	topology    string
	persistence string
	dir         string // keeps the files of the run; empty: only when something was found
	lease       time.Duration
	retention   time.Duration
	rate        int
	workers     int
	replicated  bool
	gap         time.Duration // mean between two faults
	warm, calm  time.Duration // under load, before the first fault and after the last
	drain       time.Duration // how long everything may take to come to an end
	script      string        // at which crash points and lost replies are; empty: drawn
	quiet       bool
	more        bool // a soak adds to the last one
}

// retention of the history in Redis, unless a run asks for more.
const retention = 4 * time.Second

// errUsage marks errors of the command line: exit code 2, nothing was started.
var errUsage = errors.New("usage")

// errList asks for the list of faults.
var errList = errors.New("list")

func parseOptions(args []string, out io.Writer) (*options, error) {
	o := &options{}
	var faults string
	f := flag.NewFlagSet("chaos", flag.ContinueOnError)
	f.SetOutput(io.Discard) // what is wrong is the error
	f.Uint64Var(&o.seed, "seed", 0, "of everything that is drawn (default: a new one)")
	f.DurationVar(&o.length, "for", 30*time.Second, "length of the stretch with faults")
	f.StringVar(&faults, "faults", "", "names, separated by commas; \"list\" lists them (default: the mix of the topology)")
	f.StringVar(&o.topology, "topology", "standalone", "standalone, sentinel, cluster or container")
	f.StringVar(&o.persistence, "persistence", "always", "none, everysec or always")
	f.StringVar(&o.dir, "dir", "", "keep the files of the run here")
	f.DurationVar(&o.lease, "lease", time.Second, "of the workers")
	f.DurationVar(&o.retention, "retention", retention, "of the history in Redis; the witness keeps it all")
	f.IntVar(&o.rate, "rate", 150, "tasks a second of each of the two producers")
	f.IntVar(&o.workers, "workers", 3, "worker processes")
	f.BoolVar(&o.replicated, "replicated", false, "half of the tasks are acknowledged when a replica has them")
	f.DurationVar(&o.gap, "gap", 800*time.Millisecond, "mean time between two faults")
	f.DurationVar(&o.warm, "warm", 8*time.Second, "load before the first fault")
	f.DurationVar(&o.calm, "calm", 17*time.Second, "load after the last fault: the rate must come back")
	f.DurationVar(&o.drain, "drain", 90*time.Second, "how long all tasks may take to come to an end after the load")
	f.StringVar(&o.script, "script", "", "the script of crash points and lost replies (default: drawn)")
	f.BoolVar(&o.more, "more", false, "soak: add to the runs of the last one")
	f.BoolVar(&o.quiet, "quiet", false, "print the result alone")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			f.SetOutput(out)
			f.PrintDefaults()
			return nil, err
		}
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("%w: unexpected %q", errUsage, f.Arg(0))
	}
	if o.seed == 0 {
		o.seed = 1 + rand.Uint64N(1_000_000)
	}
	if faults == "list" {
		return nil, errList
	}
	if faults != "" {
		o.faults = strings.Split(faults, ",")
	}
	return o, o.validate()
}

// validate refuses what cannot be before anything is started.
func (o *options) validate() error {
	if !slices.Contains(anywhere, o.topology) {
		return fmt.Errorf("%w: no topology %q: want %s", errUsage, o.topology, strings.Join(anywhere, ", "))
	}
	if !slices.Contains([]string{"none", "everysec", "always"}, o.persistence) {
		return fmt.Errorf("%w: no persistence %q: want none, everysec or always", errUsage, o.persistence)
	}
	if o.rate < 1 || o.workers < 1 || o.length <= 0 || o.gap <= 0 || o.lease < 500*time.Millisecond || o.retention <= 0 ||
		o.warm < 0 || o.calm < 0 || o.drain <= 0 {
		return fmt.Errorf("%w: rate and workers want at least 1, lengths of time more than 0, a lease at least 500ms", errUsage)
	}
	for _, name := range o.faults {
		f := find(name)
		if f == nil {
			return fmt.Errorf("%w: no fault %q: -faults list names them", errUsage, name)
		}
		if !slices.Contains(f.on, o.topology) {
			return fmt.Errorf("%w: fault %s is not for %s but for %s", errUsage, name, o.topology, strings.Join(f.on, ", "))
		}
		if f.persistence != "" && f.persistence != o.persistence {
			return fmt.Errorf("%w: fault %s wants -persistence %s", errUsage, name, f.persistence)
		}
	}
	return nil
}
