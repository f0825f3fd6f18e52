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
	block := minBlock
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
		got, err := in.fetch(ctx, n, block)
		if err != nil && ctx.Err() == nil {
			if fatal(err) {
				in.lose(err)
				return
			}
			g.failed("fetch", err)
			in.swept.Store(false)
			failures++
			block = minBlock
			sleep(ctx, backoff(failures))
			continue
		}
		failures = 0
		if block = min(2*block, maxBlock); got > 0 {
			block = minBlock
		}
	}
}

// Bounds of how long a read waits. What has work asks every second, so that a silent
// connection is soon noticed; what finds none, time after time, asks less often.
const (
	minBlock = time.Second
	maxBlock = 4 * time.Second
)

// patience bounds a read by the lease too, whose renewals are not to be all there is
// to be heard of a node.
func patience(block, lease time.Duration) time.Duration {
	return max(min(block, maxBlock, lease/3), minBlock/2)
}

// fetch sweeps if that is due, then reads once and returns how many it got.
func (in *incarnation) fetch(ctx context.Context, n int, block time.Duration) (int, error) {
	if !in.swept.Load() {
		if err := in.sweep(ctx); err != nil {
			return 0, err
		}
	}
	block = patience(block, in.m.group.opts.Lease)
	c, cancel := context.WithTimeout(ctx, block+2*time.Second)
	defer cancel()
	b, err := in.session.Fetch(c, n, block)
	if err != nil {
		return 0, err
	}
	in.m.pulse.hasRead()
	err = in.admit(ctx, in.hold(b.Deliveries), &b)
	if err == nil && b.Paused {
		err = in.waitResume(ctx)
	}
	return len(b.Deliveries), err
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
