package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/tidemill/tidemill/integration/history"
)

// fault is one kind of trouble. Its do makes it, waits, and heals it again, and
// notes in the record how often it was seen to bite.
type fault struct {
	name        string
	about       string
	covers      string   // numbers of the catalogue in docs/EVIDENCE.md
	on          []string // topologies
	persistence string   // that it wants; empty: any
	loses       string   // history.Nothing, …
	mix         bool     // part of the default mix
	do          func(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error
}

var (
	anywhere   = []string{"standalone", "sentinel", "cluster", "container"}
	single     = []string{"standalone", "container"} // one server, and a proxy before every process
	standalone = []string{"standalone"}              // and that a process whose files and clock are ours
	sentinel   = []string{"sentinel"}
	cluster    = []string{"cluster"}
)

// faults lists all; filled by init, because some of them list others.
var faults []fault

func init() {
	faults = slices.Concat(workerFaults, redisFaults, netFaults, timeFaults, loadFaults, replicaFaults)
}

func find(name string) *fault {
	i := slices.IndexFunc(faults, func(f fault) bool { return f.name == name })
	if i < 0 {
		return nil
	}
	return &faults[i]
}

// chosen are the faults of a run: those named, or the mix.
func (o *options) chosen() (out []*fault) {
	for i := range faults {
		f := &faults[i]
		named := slices.Contains(o.faults, f.name)
		mixed := len(o.faults) == 0 && f.mix && slices.Contains(f.on, o.topology) && (f.persistence == "" || f.persistence == o.persistence)
		if named || mixed {
			out = append(out, f)
		}
	}
	return out
}

// tailHorizon is how long before a fault a birth must have been acknowledged to be
// safe where the tail may go: two seconds in which Redis had not written, and one.
const tailHorizon = 3 * time.Second

// lossOf is what a fault may lose in this run. Under everysec Redis may answer up to
// two seconds before it writes, while an fsync is slow.
func (w *world) lossOf(f *fault) string {
	if f.name != "kill-redis" {
		return f.loses
	}
	switch w.opts.persistence {
	case "none":
		return history.All
	case "everysec":
		return history.Tail
	}
	return history.Nothing
}
