package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidemill/tidemill/engine"
)

// flaky tasks fail once, and are tried again at once.
var flaky = engine.Define[[]byte]("bench.flaky", engine.Retry(3), engine.Backoff(time.Millisecond, time.Millisecond))

var errFlaky = errors.New("fails once")

// retries runs a backlog of tasks that fail at their first attempt.
func retries(ctx context.Context, r *run) (figures, error) {
	eng, err := r.openShape(ctx, shape{queues: 1}, 64)
	if err != nil {
		return nil, err
	}
	defer eng.Close()
	n := r.opts.Tasks
	if _, err := flaky.EnqueueMany(ctx, eng, payloads(n)); err != nil {
		return nil, err
	}
	left := newCountdown(n)
	engine.Handle(eng, flaky, func(ctx context.Context, _ []byte) error {
		if d, ok := engine.Current(ctx); ok && d.Attempt == 1 {
			return errFlaky
		}
		left.done()
		return nil
	})
	return r.timed(ctx, n, func() error { return runUntil(ctx, eng, left.zero) })
}

// hold is the type of tasks that run until their worker ends.
var hold = engine.Define[[]byte]("bench.hold")

// Work is the worker that a run kills (Options.Worker): it starts as many tasks as
// it is given and never ends one. It returns when ctx ends, or in, its standard
// input, which is when whoever started it is gone.
func Work(ctx context.Context, in io.Reader, url, namespace string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends with in, or with the process
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	eng, err := engine.Open(ctx, url, engine.Options{
		Namespace: namespace, Queues: map[string]int{engine.DefaultQueue: 1 << 20}, Lease: crashLease, Drain: time.Millisecond,
	})
	if err != nil {
		return err
	}
	engine.Handle(eng, hold, func(ctx context.Context, _ []byte) error {
		<-ctx.Done()
		return context.Cause(ctx)
	})
	return errors.Join(eng.Run(ctx), eng.Close())
}

// crashLease is short: how soon others take over is a lease and what comes after it.
const crashLease = 2 * time.Second

// crash kills a worker that holds tasks, and waits until another runs them all.
func crash(ctx context.Context, r *run) (figures, error) {
	n := r.share(10)
	eng, err := r.open(ctx, engine.Options{Queues: map[string]int{engine.DefaultQueue: 2 * n}, Lease: crashLease})
	if err != nil {
		return nil, err
	}
	defer eng.Close()
	if _, err := hold.EnqueueMany(ctx, eng, payloads(n)); err != nil {
		return nil, err
	}
	victim, err := startVictim(ctx, r)
	if err != nil {
		return nil, err
	}
	defer victim.kill()
	if err := victim.holds(ctx, eng, n); err != nil {
		return nil, err
	}
	return victim.handOver(ctx, eng, n)
}

// handOver kills the victim while eng runs, and waits until eng runs all it held.
func (v *victim) handOver(ctx context.Context, eng *engine.Engine, n int) (figures, error) {
	left := newCountdown(n)
	var first sync.Once
	var began, killed time.Time
	var last atomic.Int64 // after origin
	engine.Handle(eng, hold, func(context.Context, []byte) error {
		first.Do(func() { began = time.Now() })
		last.Store(int64(time.Since(origin)))
		left.done()
		return nil
	})
	err := together(ctx, func(ctx context.Context) error {
		return runUntil(ctx, eng, left.zero)
	}, func(ctx context.Context) error {
		err := wait(ctx, 100*time.Millisecond) // the survivor is there before
		killed = time.Now()
		v.kill()
		return err
	})
	if err != nil {
		return nil, err
	}
	return figures{"first": ms(began.Sub(killed)), "all": ms(origin.Add(time.Duration(last.Load())).Sub(killed))}, nil
}

// victim is a worker process.
type victim struct {
	cmd   *exec.Cmd
	said  bytes.Buffer // on stderr
	ended chan struct{}
}

func startVictim(ctx context.Context, r *run) (*victim, error) {
	args := append(r.opts.Worker[1:len(r.opts.Worker):len(r.opts.Worker)], r.url, r.opts.Namespace)
	v := &victim{cmd: exec.CommandContext(ctx, r.opts.Worker[0], args...), ended: make(chan struct{})}
	v.cmd.Stderr = &v.said
	if _, err := v.cmd.StdinPipe(); err != nil { // it ends when this process does
		return nil, err
	}
	if err := v.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	go func() { // joined by kill
		defer close(v.ended)
		_ = v.cmd.Wait()
	}()
	return v, nil
}

func (v *victim) kill() {
	_ = v.cmd.Process.Kill()
	<-v.ended
}

// holds waits until the victim runs n tasks.
func (v *victim) holds(ctx context.Context, eng *engine.Engine, n int) error {
	for {
		s, err := eng.Stats(ctx)
		if err != nil {
			return err
		}
		if len(s.Queues) > 0 && s.Queues[0].Running >= int64(n) {
			return nil
		}
		select {
		case <-v.ended:
			return fmt.Errorf("the worker ended: %s", bytes.TrimSpace(v.said.Bytes()))
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
