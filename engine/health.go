package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/consumergroup"
	"github.com/tidemill/tidemill/streams"
)

// Health is what this process knows of its own work. Times are those of the queue
// that is worst off, zero before its first consumer has joined.
type Health struct {
	Running     bool          // Run was called; Draining says whether it still takes work
	Draining    bool          // Run was told to stop, or has returned
	Handlers    int           // that run
	Stuck       int           // of them, given up: they ignore their context
	Slots       int           // handlers that may run at once, all queues together
	LastRead    time.Time     // good answer to a read; now, where all slots are taken
	LastRenewed time.Time     // lease
	Lease       time.Duration // how old these may be
	Rewinds     int           // how often Redis had lost what it had acknowledged to this process
	Redis       error         // why it does not answer; nil: it does
}

// worker is what a running Run shows of itself.
type worker struct {
	groups   []*consumergroup.Group
	slots    int
	draining func() bool
}

// Health tells how this node is, and asks Redis whether it answers.
func (e *Engine) Health(ctx context.Context) Health {
	h := Health{Lease: e.opts.Lease, Rewinds: int(e.rewinds.Load())}
	if w := e.worker.Load(); w != nil {
		h.Running, h.Draining, h.Slots = true, w.draining(), w.slots
		h.Handlers, h.Stuck = e.Running()
		pulse := w.groups[0].Pulse()
		for _, g := range w.groups[1:] {
			pulse = pulse.Worse(g.Pulse())
		}
		h.LastRead, h.LastRenewed = pulse.Read, pulse.Renewed
	}
	_, h.Redis = e.log.Queues(ctx)
	return h
}

// Err says why this node should get no work, or nil. A log that was rewound is no
// reason: what is left goes on.
func (h Health) Err() error {
	switch {
	case !h.Running:
		return errors.New("not running")
	case h.Draining:
		return ErrDraining
	case h.Stuck > 0 && 2*h.Stuck >= h.Slots:
		return fmt.Errorf("%d of %d handlers ignore their context, of %d slots", h.Stuck, h.Handlers, h.Slots)
	case h.Redis != nil:
		return h.Redis
	case h.LastRenewed.IsZero():
		return errors.New("no consumer has joined yet")
	case time.Since(h.LastRenewed) > h.Lease:
		return fmt.Errorf("no lease was renewed for %s", time.Since(h.LastRenewed).Round(time.Millisecond))
	case time.Since(h.LastRead) > h.Lease+slowRead:
		return fmt.Errorf("nothing was read for %s", time.Since(h.LastRead).Round(time.Millisecond))
	}
	return nil
}

// slowRead is how long one read may take on top of a lease: where the lease is short,
// a read that waits for work is longer.
const slowRead = 2 * time.Second

// Ready reports why this node should get no work, or nil: it does not run, or
// drains ([ErrDraining]), half of its slots are stuck, Redis does not answer, or no
// lease was renewed or nothing read for a lease. See [Engine.Health].
func (e *Engine) Ready(ctx context.Context) error { return e.Health(ctx).Err() }

// Running is how many handlers run in this process, and how many of them were
// given up because they ignore their context.
func (e *Engine) Running() (running, stuck int) {
	if w := e.worker.Load(); w != nil {
		for _, g := range w.groups {
			r, s := g.Running()
			running, stuck = running+r, stuck+s
		}
	}
	return running, stuck
}

func (e *Engine) rewound(r streams.Rewind) {
	e.rewinds.Add(1)
	if f := e.opts.Observer.Rewound; f != nil {
		f(r)
	}
}
