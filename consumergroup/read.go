package consumergroup

import (
	"context"
	"errors"
	"time"

	"github.com/tidemill/tidemill/task"
)

// read is the one goroutine that reads, sweeps and takes in. It stops with ctx.
func (in *incarnation) read(ctx context.Context) {
	g := in.m.group
	failures := 0
	for ctx.Err() == nil {
		n := g.pool.want()
		if n == 0 {
			in.m.pulse.waits(true)
			select {
			case <-ctx.Done():
			case <-g.pool.room:
			}
			in.m.pulse.waits(false)
			continue
		}
		g.pool.signal() // another partition's reader may be waiting for the same room
		if err := in.fetch(ctx, n); err != nil && ctx.Err() == nil {
			if fatal(err) {
				in.lose(err)
				return
			}
			g.failed("fetch", err)
			in.swept.Store(false)
			failures++
			sleep(ctx, backoff(failures))
			continue
		}
		failures = 0
	}
}

// fetch sweeps if that is due, then reads once.
func (in *incarnation) fetch(ctx context.Context, n int) error {
	if !in.swept.Load() {
		if err := in.sweep(ctx); err != nil {
			return err
		}
	}
	block := min(max(in.m.group.opts.Lease/3, 500*time.Millisecond), time.Second)
	c, cancel := context.WithTimeout(ctx, block+2*time.Second)
	defer cancel()
	b, err := in.session.Fetch(c, n, block)
	if err != nil {
		return err
	}
	in.m.pulse.hasRead()
	err = in.admit(ctx, in.hold(b.Deliveries), &b)
	if err == nil && b.Paused {
		return in.waitResume(ctx)
	}
	return err
}

// waitResume returns when the queue is no longer paused.
func (in *incarnation) waitResume(ctx context.Context) error {
	every := min(in.m.group.opts.Lease/6, time.Second)
	for sleep(ctx, every) {
		paused, err := in.session.Paused(ctx)
		if err != nil || !paused {
			return err
		}
		in.m.pulse.hasRead()
	}
	return nil
}

// sweep adopts entries whose delivery was lost on the way here.
func (in *incarnation) sweep(ctx context.Context) error {
	in.adopting.Lock()
	defer in.adopting.Unlock()
	in.setSweeping(true)
	defer in.setSweeping(false)
	b, err := in.session.Sweep(ctx, in.known)
	if err != nil {
		return err
	}
	in.swept.Store(true)
	return in.admit(ctx, in.hold(b.Deliveries), &b)
}

// setSweeping keeps settled entries known while a sweep may still list them.
func (in *incarnation) setSweeping(on bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.sweeping = on
	if !on {
		for _, at := range in.gone {
			delete(in.held, at)
		}
		in.gone = nil
	}
}

// handBack returns work that has not started.
func (in *incarnation) handBack(ws []*work) {
	for _, w := range ws {
		if w.phase.CompareAndSwap(waiting, over) {
			in.add(w, task.Settlement{Kind: task.HandedBack})
		}
	}
}

// isLost reports whether err ends the incarnation, and ends it.
func (in *incarnation) isLost(err error) bool {
	if errors.Is(err, task.ErrFenced) {
		in.lose(err)
	}
	return in.lost.Err() != nil
}
