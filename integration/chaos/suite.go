package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tidemill/tidemill/integration/check"
	"github.com/tidemill/tidemill/integration/history"
)

// result is one run in the evidence.
type result struct {
	Seed       uint64         `json:"seed"`
	Topology   string         `json:"topology"`
	Durability string         `json:"durability"`
	Server     string         `json:"server"`
	Commit     string         `json:"commit"`
	Seconds    float64        `json:"seconds"` // of load
	Faults     map[string]int `json:"faults"`  // how often each was made and seen to bite
	Report     check.Report   `json:"report"`
}

// setting is one kind of run of a suite.
type setting struct {
	topology, persistence string
	faults                []string // empty: the mix
	replicated            bool
	retention             time.Duration // 0: as short as it is by default
}

// rotation is what a soak runs in turn: the mix everywhere, and the faults that
// lose what a level of durability does not promise.
var rotation = []setting{
	{topology: "standalone", persistence: "everysec"},
	{topology: "standalone", persistence: "always", retention: time.Hour}, // nothing is trimmed: the whole index is judged
	{topology: "sentinel", persistence: "none"},
	{topology: "standalone", persistence: "everysec"},
	{topology: "cluster", persistence: "none"},
	{topology: "sentinel", persistence: "none", replicated: true},
	{topology: "standalone", persistence: "everysec", faults: []string{"power-loss", "kill-worker", "drop-reply"}},
	{topology: "standalone", persistence: "none", faults: []string{"kill-redis", "flushall", "kill-worker", "reset"}},
}

// runSoak makes runs of a minute for as long as it is told, each with a seed and
// a setting of its own, and keeps what they found.
func runSoak(ctx context.Context, args []string) (bool, error) {
	o, err := parseOptions(args, os.Stderr)
	if err != nil {
		return false, err
	}
	end := time.Now().Add(o.length)
	good := true
	for i := 0; time.Now().Before(end) && ctx.Err() == nil; i++ {
		s := rotation[i%len(rotation)]
		one := *o
		one.seed, one.length, one.faults = o.seed+uint64(i), min(time.Minute, max(10*time.Second, time.Until(end))), s.faults
		one.topology, one.persistence, one.replicated = s.topology, s.persistence, s.replicated
		one.retention = cmp.Or(s.retention, one.retention)
		ok, err := record(ctx, &one, func(e *evidence, r result) {
			if i == 0 && !o.more {
				e.Soak = nil // another soak begins
			}
			e.Soak = append(e.Soak, r)
		})
		if err != nil {
			return false, err
		}
		good = good && ok
	}
	return good, ctx.Err()
}

// runAll makes a short run of every fault by itself, where it can happen.
func runAll(ctx context.Context, args []string) (bool, error) {
	o, err := parseOptions(append([]string{"-for", "12s", "-gap", "500ms", "-warm", "3s", "-calm", "2s"}, args...), os.Stderr)
	if err != nil {
		return false, err
	}
	good := true
	for i := range faults {
		f := &faults[i]
		if len(o.faults) > 0 && !slices.Contains(o.faults, f.name) {
			continue
		}
		for _, topology := range f.on {
			if topology == "container" {
				continue // wants a Docker engine; the fault is what it is to standalone
			}
			one := *o
			one.faults, one.topology = []string{f.name}, topology
			if topology != "standalone" {
				one.persistence = "none"
			}
			if f.persistence != "" {
				one.persistence = f.persistence
			}
			ok, err := recordBite(ctx, &one, f)
			if err != nil {
				return false, err
			}
			good = good && ok
		}
	}
	return good, ctx.Err()
}

// recordBite runs one fault by itself. A fault that never bit proves nothing: then
// the run is made again with another seed, and at last fails.
func recordBite(ctx context.Context, o *options, f *fault) (bool, error) {
	for range 3 {
		bitten := 0
		ok, err := record(ctx, o, func(e *evidence, r result) {
			if bitten = r.Faults[f.name]; bitten > 0 || r.Report.Failed() {
				e.keep(f.name, r)
			}
		})
		if err != nil || bitten > 0 || !ok {
			return ok, err
		}
		o.seed++
	}
	fmt.Printf("void: %s never bit on %s\n", f.name, o.topology)
	return false, nil
}

// record makes one run, prints a line, and adds it to the evidence.
func record(ctx context.Context, o *options, add func(*evidence, result)) (bool, error) {
	root, err := moduleRoot()
	if err != nil {
		return false, err
	}
	if o.dir != "" {
		one := *o
		one.dir = filepath.Join(o.dir, fmt.Sprintf("%s-%s-%s-%d", o.topology, o.persistence, join(o.faults), o.seed))
		o = &one
	}
	said := func(format string, args ...any) {
		if !o.quiet {
			fmt.Printf(format+"\n", args...)
		}
	}
	report, dir, err := perform(ctx, o, said)
	if err != nil {
		return false, fmt.Errorf("seed %d: %w (files in %s)", o.seed, err, dir)
	}
	r, err := summary(dir, report)
	if err != nil {
		return false, err
	}
	fmt.Println(r.line())
	conclude(o, report, dir)
	return !report.Failed(), save(root, func(e *evidence) { add(e, r) })
}

// summary is what the evidence keeps of a run.
func summary(dir string, report check.Report) (result, error) {
	var run history.Run
	b, err := os.ReadFile(filepath.Join(dir, "run.json"))
	if err == nil {
		err = json.Unmarshal(b, &run)
	}
	if err != nil {
		return result{}, err
	}
	r := result{
		Seed: uint64(run.Seed), Topology: run.Topology, Durability: run.Durability, Server: run.Server, Commit: run.Commit,
		Seconds: run.Seconds, Faults: map[string]int{}, Report: report,
	}
	for f, err := range history.Read[history.Fault](filepath.Join(dir, "faults.jsonl")) {
		if err != nil {
			return r, err
		}
		if f.Observed > 0 {
			r.Faults[f.Name]++
		}
	}
	return r, nil
}

// recheck judges the kept runs of a soak again, by the checker as it is now. What a
// run found wrong with itself stays.
func recheck(_ context.Context, args []string) (bool, error) {
	if len(args) == 0 {
		return false, fmt.Errorf("%w: recheck wants the folders of runs", errUsage)
	}
	root, err := moduleRoot()
	if err != nil {
		return false, err
	}
	good := true
	for _, dir := range args {
		report, err := check.Dir(dir)
		if err != nil {
			return false, err
		}
		r, err := summary(dir, report)
		if err != nil {
			return false, err
		}
		err = save(root, func(e *evidence) {
			for i := range e.Soak {
				if old := &e.Soak[i]; old.Seed == r.Seed && old.Topology == r.Topology {
					r.Report.Inherit(&old.Report)
					*old = r
				}
			}
		})
		if err != nil {
			return false, err
		}
		fmt.Println(r.line())
		good = good && !r.Report.Failed()
	}
	return good, nil
}

func (r *result) line() string {
	n := 0
	for _, k := range r.Faults {
		n += k
	}
	return fmt.Sprintf("seed %-8d %-10s %-10s %3d faults, %6d acknowledged, %d lost, %d reported lost, %d ended twice, %d early, %d violations",
		r.Seed, r.Topology, r.Durability, n, r.Report.Acknowledged, r.Report.Lost, r.Report.LostReported, r.Report.EndedTwice, r.Report.Early, len(r.Report.Violations))
}
