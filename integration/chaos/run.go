package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tidemill/tidemill/integration/check"
	"github.com/tidemill/tidemill/integration/history"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// stopWithin is how long a member may take from SIGTERM to its end.
const stopWithin = 15 * time.Second

// perform makes one run and judges it. The error is of the harness; what the run
// found is in the report.
func perform(ctx context.Context, o *options, say func(string, ...any)) (check.Report, string, error) {
	w, err := build(ctx, o)
	if err == nil {
		say("seed %d, %s, %s, %s, faults: %s", o.seed, o.topology, w.run.Durability, w.run.Server, names(o.chosen()))
		err = w.load(ctx, say)
	}
	if err == nil {
		err = w.drain(ctx, say)
	}
	if w == nil {
		return check.Report{}, "", err
	}
	built := w.client != nil
	if stopped := w.stop(); err == nil {
		err = stopped
	}
	for _, m := range w.members {
		for _, end := range m.own {
			w.blame("a process ended by itself: %s, see its log", end)
		}
	}
	if err != nil && !built && o.dir == "" {
		err = errors.Join(err, os.RemoveAll(w.dir))
	}
	if err != nil {
		return check.Report{}, w.dir, err
	}
	report, err := check.Dir(w.dir)
	if err != nil {
		return check.Report{}, w.dir, err
	}
	for _, n := range w.notes {
		report.Blame(n)
	}
	return report, w.dir, nil
}

// load is the stretch with faults, between two without.
func (w *world) load(ctx context.Context, say func(string, ...any)) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { w.meter(ctx) })
	wg.Go(func() { w.trim(ctx) })
	defer wg.Wait()
	defer cancel()
	began := time.Now()
	pause(ctx, w.opts.warm)
	r := rand.New(rand.NewPCG(w.opts.seed, 11))
	chosen := w.opts.chosen()
	order := r.Perm(len(chosen))
	for i := 0; time.Since(began) < w.opts.warm+w.opts.length && ctx.Err() == nil; i++ {
		if i%len(chosen) == 0 {
			order = r.Perm(len(chosen)) // each once before any comes again
		}
		w.inject(ctx, chosen[order[i%len(chosen)]], r, say)
		pause(ctx, w.opts.gap/2+upTo(r, w.opts.gap))
	}
	pause(ctx, w.opts.calm)
	w.run.Seconds = time.Since(began).Seconds()
	return ctx.Err()
}

// inject makes one fault, now and then with a second one beside it that is about
// something else.
func (w *world) inject(ctx context.Context, f *fault, r *rand.Rand, say func(string, ...any)) {
	rec := history.Fault{Name: f.name, From: history.Now(), Loses: w.lossOf(f), HorizonMs: tailHorizon.Milliseconds()}
	err := f.do(ctx, w, r, &rec)
	rec.To = history.Now()
	if err != nil {
		rec.Err = err.Error()
		w.blame("fault %s: %v", f.name, err)
	}
	say("%-14s %-10s %5.1fs  observed %-4d %s %s", rec.Name, rec.Target, float64(rec.To-rec.From)/1e9, rec.Observed, rec.Note, rec.Err)
	if err := w.faults.Write(rec); err != nil {
		w.blame("%v", err)
	}
	if !w.until(ctx, 30*time.Second, func() bool { return w.primaries(ctx, ping) == nil }) {
		w.blame("no server answers 30s after %s", f.name)
	}
}

// trim cuts the history every second, which nodes do less often.
func (w *world) trim(ctx context.Context) {
	for pause(ctx, time.Second) {
		for _, q := range w.run.Queues {
			n, err := w.log.Register(ctx, task.Queue(q))
			for i := 0; i < n && err == nil; i++ {
				_, _ = w.log.Trim(ctx, task.Queue(q), i, "harness", streams.Retention{Age: w.opts.retention}) // what it does is judged by the history
			}
		}
	}
}

// meter counts what handlers end, a line a second.
func (w *world) meter(ctx context.Context) {
	var at int64
	buf := make([]byte, 1<<20)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	f, err := os.Open(filepath.Join(w.dir, "effects"))
	for ctx.Err() == nil {
		<-tick.C
		if f == nil || err != nil {
			f, err = os.Open(filepath.Join(w.dir, "effects"))
			continue
		}
		n, ends := 0, int64(0)
		for {
			if n, _ = f.ReadAt(buf, at); n == 0 {
				break
			}
			at += int64(n)
			ends += countEnds(buf[:n])
		}
		if err := w.rates.Write(history.Rate{T: history.Now(), N: ends}); err != nil {
			w.blame("%v", err)
		}
	}
	if f != nil {
		f.Close()
	}
}

// countEnds counts lines that begin with "end"; a line that was cut in two is
// missed, which a rate can bear.
func countEnds(b []byte) (n int64) {
	for i := range b {
		if b[i] == '\n' && i+4 < len(b) && string(b[i+1:i+5]) == history.End+" " {
			n++
		}
	}
	return n
}

// drain ends the producers and waits until everything has come to an end, then
// ends the workers, and has the witness write down what is left.
func (w *world) drain(ctx context.Context, say func(string, ...any)) error {
	w.retire(ctx, "producer", "operator")
	began := time.Now()
	if w.ahead { // what was to wait for a while when the clock was ahead is due in an hour
		w.until(ctx, w.opts.drain/2, func() bool { return w.onlyFar(ctx) })
		if err := w.setClock(time.Hour); err != nil {
			return err
		}
	}
	w.run.Drained = w.until(ctx, w.opts.drain, func() bool { return w.idle(ctx) })
	say("drained: %v, after %.1fs", w.run.Drained, time.Since(began).Seconds())
	w.retire(ctx, "worker")
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := w.witness.Finish(ctx); err != nil {
		return fmt.Errorf("witness: %w", err)
	}
	b, err := json.MarshalIndent(w.run, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(w.dir, "run.json"), append(b, '\n'), 0o600)
}

// retire ends all members of some kinds, at once.
func (w *world) retire(ctx context.Context, kinds ...string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	var wg sync.WaitGroup
	for _, m := range w.members {
		for _, k := range kinds {
			if m.role.Kind == k {
				wg.Go(func() {
					if err := m.retire(ctx); err != nil {
						w.blame("%v", err)
					}
				})
			}
		}
	}
	wg.Wait()
}
