package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/integration/clockshim"
	"github.com/tidemill/tidemill/integration/history"
	"github.com/tidemill/tidemill/integration/rig"
	"github.com/tidemill/tidemill/integration/witness"
	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// world is one run: servers, a fleet of processes, the witness, and the files
// they write.
type world struct {
	opts *options
	dir  string
	run  history.Run

	rig        *rig.Rig
	shim       *clockshim.Shim // nil: none of the faults needs it
	witness    *witness.Witness
	client     *client      // of the harness: poison, bursts
	log        *streams.Log // of the harness, which trims
	members    []*member    // fixed once the fleet is there
	partitions []*keys.Partition
	hashes     map[string]string

	faults, clock, rates *history.Lines

	mu    sync.Mutex
	notes []string // what the run itself found wrong

	poisons, burst int
	ahead          bool // the clock of Redis was far ahead once
}

// blame notes something that must not happen in a run.
func (w *world) blame(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes, fmt.Sprintf(format, args...))
}

// build starts servers, witness and fleet.
func build(ctx context.Context, o *options) (*world, error) {
	w := &world{opts: o, dir: o.dir, hashes: streams.Scripts()}
	if w.dir == "" {
		d, err := os.MkdirTemp("", "tidemill-chaos-")
		if err != nil {
			return nil, err
		}
		w.dir = d
	}
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return nil, err
	}
	if old, err := os.ReadDir(w.dir); err != nil || len(old) > 0 {
		return nil, fmt.Errorf("%w: -dir %s is not empty", errUsage, w.dir)
	}
	for _, step := range []func(context.Context) error{w.files, w.servers, w.watch, w.people} {
		if err := step(ctx); err != nil {
			return w, err
		}
	}
	return w, nil
}

func (w *world) files(context.Context) (err error) {
	for name, f := range map[string]**history.Lines{"faults.jsonl": &w.faults, "clock.jsonl": &w.clock, "rate.jsonl": &w.rates} {
		if *f, err = history.Append(filepath.Join(w.dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// servers starts Redis, with a clock that can be set where a fault wants it.
func (w *world) servers(ctx context.Context) (err error) {
	c := rig.Config{Topology: w.opts.topology, Persistence: w.opts.persistence, Dir: filepath.Join(w.dir, "servers")}
	for _, f := range w.opts.chosen() {
		if strings.HasPrefix(f.name, "clock-") && w.shim == nil {
			if w.shim, err = clockshim.Build(ctx, w.dir); err != nil {
				return err
			}
			c.Env = w.shim.Env()
		}
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	if w.rig, err = rig.Start(ctx, c); err != nil {
		return err
	}
	w.run = history.Run{
		Seed: int64(w.opts.seed), Started: time.Now().UTC().Format(time.RFC3339), Commit: commit(), Machine: machine(),
		Topology: w.opts.topology, Durability: w.opts.durability(), Namespace: "chaos", Queues: []string{"alpha", "beta"},
		LeaseMs: w.opts.lease.Milliseconds(),
	}
	for _, f := range w.opts.chosen() {
		w.run.Faults = append(w.run.Faults, f.name)
	}
	return nil
}

// watch registers the queues and starts the witness.
func (w *world) watch(ctx context.Context) error {
	log, err := streams.New(w.rig.URL(), streams.Options{Namespace: w.run.Namespace})
	if err != nil {
		return err
	}
	w.log = log
	s, err := log.Preflight(ctx, false)
	if err != nil {
		return err
	}
	w.run.Server = s.Name + " " + s.Version
	for _, q := range w.run.Queues {
		if _, err := log.Register(ctx, task.Queue(q)); err != nil {
			return err
		}
	}
	registry, err := w.rig.Client().HGetAll(ctx, keys.Registry(w.run.Namespace)).Result()
	if err != nil {
		return err
	}
	for _, q := range w.run.Queues {
		for n := range strings.SplitSeq(registry[q], ",") {
			number, err := strconv.ParseUint(n, 10, 16)
			if err != nil {
				return err
			}
			w.partitions = append(w.partitions, keys.New(w.run.Namespace, task.Queue(q), task.Partition(number)))
		}
	}
	w.witness, err = witness.Follow(ctx, w.rig.Client(), w.run.Namespace, w.dir)
	return err
}

// people starts the fleet and the client of the harness itself.
func (w *world) people(ctx context.Context) error {
	r := rand.New(rand.NewPCG(w.opts.seed, 7))
	kinds := []string{"producer", "producer", "operator"}
	for range w.opts.workers {
		kinds = append(kinds, "worker")
	}
	for i, kind := range kinds {
		if err := w.join(kind, fmt.Sprintf("%s%d", kind, i), r.Uint64()); err != nil {
			return err
		}
	}
	self := &role{Kind: "harness", Name: "harness", URL: w.rig.URL(), Namespace: w.run.Namespace, Dir: w.dir, Queues: w.run.Queues, Lease: w.opts.lease, Retention: w.opts.retention}
	var err error
	w.client, err = self.client(ctx)
	if err == nil && w.client == nil {
		err = ctx.Err()
	}
	return err
}

// primaries does something on every server that takes writes.
func (w *world) primaries(ctx context.Context, do func(*redis.Client) error) error {
	var errs error
	n := 0
	for _, s := range w.rig.Servers() {
		role, err := s.Client().Do(ctx, "ROLE").Slice()
		if err != nil || len(role) == 0 || role[0] != "master" {
			continue
		}
		n++
		errs = errors.Join(errs, do(s.Client()))
	}
	if n == 0 {
		return errors.New("no primary answers")
	}
	return errs
}

// until polls; false when it did not come to pass within limit.
func (w *world) until(ctx context.Context, limit time.Duration, ok func() bool) bool {
	end := time.Now().Add(limit)
	for !ok() {
		if time.Now().After(end) || !pause(ctx, 20*time.Millisecond) {
			return false
		}
	}
	return true
}

// isScript reports whether what EVALSHA or EVAL names is the script.
func (w *world) isScript(word []byte, name string) bool {
	return string(word) == w.hashes[name] || strings.Contains(string(word), "\n-- "+name+":") || strings.HasPrefix(string(word), "-- "+name+":")
}

func upTo(r *rand.Rand, d time.Duration) time.Duration { return time.Duration(r.Int64N(int64(d))) }

// commit is the revision of the tree this was started in.
var commit = sync.OnceValue(func() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
})
