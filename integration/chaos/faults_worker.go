package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/integration/history"
	"github.com/tidemill/tidemill/integration/proxy"
)

var workerFaults = []fault{
	{"kill-worker", "a worker is killed with -9 and started again", "1 7 8 16", anywhere, "", history.Nothing, true, killWorker},
	{"stop-worker", "a worker is stopped for longer than its lease and wakes as a zombie", "9", anywhere, "", history.Nothing, true, stopWorker},
	{"freeze-worker", "a worker is stopped for less than half its lease", "10", anywhere, "", history.Nothing, true, freezeWorker},
	{"drain-worker", "a worker gets SIGTERM and drains", "5 6", anywhere, "", history.Nothing, true, drainWorker},
	{"restart-storm", "a worker is killed ten times in a row", "18", anywhere, "", history.Nothing, false, restartStorm},
	{"crash-before", "a process is killed before its call of a script reaches Redis", "4", single, "", history.Nothing, true, crashPoint(proxy.Before)},
	{"crash-after", "a process is killed after Redis made its call of a script", "2 3 4 19", single, "", history.Nothing, true, crashPoint(proxy.After)},
	{"late-settle", "a settle arrives after its worker died and its entries run elsewhere", "55", single, "", history.Nothing, true, lateSettle},
	{"poison", "a task kills every worker that runs it", "13", anywhere, "", history.Nothing, true, poison},
}

// worker draws one of the workers that has a process.
func (w *world) worker(r *rand.Rand) *member { return w.some(r, "worker") }

// some draws a member of a kind that has a process; nil: none has.
func (w *world) some(r *rand.Rand, kinds ...string) *member {
	var all []*member
	for _, m := range w.members {
		for _, k := range kinds {
			if m.role.Kind == k && m.pid() != 0 {
				all = append(all, m)
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[r.IntN(len(all))]
}

var errNobody = errors.New("no process to hit")

func killWorker(_ context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	m := w.worker(r)
	if m == nil {
		return errNobody
	}
	f.Target = m.role.Name
	if f.PID = m.signal(syscall.SIGKILL); f.PID != 0 {
		f.Observed = 1
	}
	return nil
}

// stopped stops a worker for d.
func stopped(ctx context.Context, w *world, r *rand.Rand, f *history.Fault, d time.Duration) error {
	m := w.worker(r)
	if m == nil {
		return errNobody
	}
	f.Target, f.PID = m.role.Name, m.signal(syscall.SIGSTOP)
	pause(ctx, d)
	if m.signal(syscall.SIGCONT) == f.PID && f.PID != 0 {
		f.Observed = 1
	}
	return nil
}

func stopWorker(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	return stopped(ctx, w, r, f, w.opts.lease*3/2+upTo(r, w.opts.lease))
}

func freezeWorker(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	defer func() { f.PID = 0 }()   // nobody has to take over
	longer := w.opts.lease * 3 / 8 // than from one look of the others to the next
	return stopped(ctx, w, r, f, longer)
}

// drainWorker waits for the end: a worker that is told to stop must.
func drainWorker(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	m := w.worker(r)
	if m == nil {
		return errNobody
	}
	f.Target = m.role.Name
	pid := m.signal(syscall.SIGTERM)
	if !w.until(ctx, 8*time.Second, func() bool { return m.pid() != pid }) {
		m.signal(syscall.SIGQUIT)
		return fmt.Errorf("%s did not end within 8s of SIGTERM", m.role.Name)
	}
	f.Observed = 1
	return nil
}

func restartStorm(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	m := w.worker(r)
	if m == nil {
		return errNobody
	}
	f.Target = m.role.Name
	for range 10 {
		if m.signal(syscall.SIGKILL) != 0 {
			f.Observed++
		}
		pause(ctx, 300*time.Millisecond+upTo(r, 300*time.Millisecond))
	}
	return nil
}

// pointed are the scripts at which processes are killed.
var pointed = []string{"settle", "settle", "enqueue", "release", "join", "leave", "renew", "charge", "reclaim", "trim", "cancel", "requeue"}

// script draws one of the scripts, unless the options name one.
func (w *world) script(r *rand.Rand, from []string) string {
	if w.opts.script != "" {
		return w.opts.script
	}
	return from[r.IntN(len(from))]
}

// crashPoint kills whoever makes the n-th call of a script from now.
func crashPoint(when proxy.Verdict) func(context.Context, *world, *rand.Rand, *history.Fault) error {
	return func(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
		script := w.script(r, pointed)
		f.Note = script
		w.atCall(ctx, script, 1+r.IntN(3), when, f)
		return nil
	}
}

// atCall gives a verdict on the n-th call of a script that any process makes from
// now, and waits for it a while. Before and After kill the process.
func (w *world) atCall(ctx context.Context, script string, n int, v proxy.Verdict, f *history.Fault) {
	type hit struct {
		who string
		pid int
	}
	var calls atomic.Int64
	hits := make(chan hit, 1)
	for _, m := range w.members {
		m.proxy.On(func(c proxy.Command) (proxy.Verdict, func()) {
			if !w.calls(c, script) || calls.Add(1) != int64(n) {
				return proxy.Forward, nil
			}
			if v == proxy.DropReply {
				hits <- hit{who: m.role.Name}
				return v, nil
			}
			return v, func() { hits <- hit{m.role.Name, m.signal(syscall.SIGKILL)} }
		})
		defer m.proxy.On(nil)
	}
	t := time.NewTimer(1500 * time.Millisecond)
	defer t.Stop()
	select {
	case h := <-hits:
		f.Target, f.PID = h.who, h.pid
		f.Observed++
	case <-t.C:
	case <-ctx.Done():
	}
}

// calls reports whether a command calls the script.
func (w *world) calls(c proxy.Command, script string) bool {
	return (c.Name == "EVALSHA" || c.Name == "EVAL") && len(c.Args) > 1 && w.isScript(c.Args[1], script)
}

// poison makes a task that kills its worker, and waits until it is buried.
func poison(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	w.poisons++
	got, err := w.client.ask(ctx, []history.Birth{{Tag: fmt.Sprintf("poison.%d", w.poisons), Queue: w.run.Queues[0], Plan: planCrash}})
	if err != nil {
		return err
	}
	buried := func() bool {
		st, err := w.client.eng.State(ctx, got[0].ID)
		return err == nil && st.State.Terminal()
	}
	if !w.until(ctx, 20*w.opts.lease+10*time.Second, buried) {
		return fmt.Errorf("poison task %s is not dead", got[0].ID)
	}
	st, err := w.client.eng.State(ctx, got[0].ID)
	if errors.Is(err, engine.ErrNotFound) { // trimmed meanwhile
		return nil
	}
	if err == nil && st.Reason != "crash_loop" {
		return fmt.Errorf("poison task %s: %s for %q, want dead for crash_loop", got[0].ID, st.State, st.Reason)
	}
	f.Observed++
	return err
}
