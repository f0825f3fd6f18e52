package consumergroup

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tidemill/tidemill/task"
)

// Source reads and settles.
type Source interface {
	Name() string
	Fetch(ctx context.Context, max int, block time.Duration) (task.Batch, error)
	Settle(ctx context.Context, out []task.Settlement) ([]task.Answer, error)
	Interrupt() // ends a Fetch that blocks; there is none after it
	Leave(ctx context.Context) error
}

// Leases keeps what a consumer holds, and takes over.
type Leases interface {
	Renew(ctx context.Context, ask []task.ID) (marks int, cancelled []task.ID, err error)
	Charge(ctx context.Context, ds []*task.Delivery) (held []bool, err error)
	Observe(ctx context.Context, everyone bool) (records map[string]string, err error)
	Reclaim(ctx context.Context, victim, seen string) (b task.Batch, more bool, err error)
	Sweep(ctx context.Context, known func(task.Position) bool) (task.Batch, error)
}

// Session is one incarnation of a consumer on one partition.
type Session interface {
	Source
	Leases
	Paused(ctx context.Context) (bool, error)
}

// Options configure a Group.
type Options struct {
	Queue       task.Queue
	Partitions  int           // default 1
	Concurrency int           // handlers at once; default 64
	Lease       time.Duration // default 10 s
	Drain       time.Duration // default 25 s

	// Join makes a consumer on one partition.
	Join func(ctx context.Context, partition int) (Session, error)
	// Handle runs one delivery and says what came of it. It does not panic.
	Handle func(ctx context.Context, d *task.Delivery) task.Settlement
	// Timeout is how long one attempt may take; 0: no limit. Default: no limits.
	Timeout func(d *task.Delivery) time.Duration
	// Expired is the outcome of an attempt that outlived its timeout.
	Expired func(d *task.Delivery) task.Settlement
	// Exited is the outcome of an attempt whose handler called runtime.Goexit.
	// Default: a retry after a second.
	Exited func(d *task.Delivery) task.Settlement
	// Suspects lets one suspect of this node start at a time. Default: of this group.
	Suspects *Gate
	// Observer is told what happens. Every func may be nil.
	Observer Observer
}

// Observer is told what happens in a group, from any goroutine; it must not block.
type Observer struct {
	Joined    func(q task.Queue, consumer string)
	Settled   func(s *task.Settlement, a task.Answer)
	Reclaimed func(q task.Queue, victim string, n int)
	Fenced    func(q task.Queue, consumer string, cause error)
	Stuck     func(d *task.Delivery) // its handler ignores its context
	Failed    func(op string, q task.Queue, err error)
}

// Group is one queue on one node.
type Group struct {
	opts   Options
	pool   *pool
	pulses []pulse // of the partitions
}

// New returns a group that has not started.
func New(o Options) (*Group, error) {
	switch {
	case o.Join == nil || o.Handle == nil:
		return nil, fmt.Errorf("%w: consumergroup: Join and Handle are required", task.ErrInvalidOption)
	case o.Concurrency < 0 || o.Lease < 0 || o.Drain < 0 || o.Partitions < 0:
		return nil, fmt.Errorf("%w: consumergroup: negative option", task.ErrInvalidOption)
	}
	o = o.withDefaults()
	return &Group{opts: o, pool: newPool(o.Concurrency, o.Partitions), pulses: make([]pulse, o.Partitions)}, nil
}

func (o Options) withDefaults() Options {
	if o.Partitions == 0 {
		o.Partitions = 1
	}
	if o.Concurrency == 0 {
		o.Concurrency = 64
	}
	if o.Lease == 0 {
		o.Lease = 10 * time.Second
	}
	if o.Drain == 0 {
		o.Drain = 25 * time.Second
	}
	if o.Suspects == nil {
		o.Suspects = NewGate()
	}
	if o.Exited == nil {
		o.Exited = func(*task.Delivery) task.Settlement {
			return task.Settlement{Kind: task.OutcomeRetry, Delay: time.Second, Error: "handler called runtime.Goexit"}
		}
	}
	if o.Timeout == nil {
		o.Timeout = func(*task.Delivery) time.Duration { return 0 }
	}
	return o
}

// Run works until ctx is done, then drains, and returns when no handler of it
// is left running, or has been left behind. The error, if any, says why it
// ended early or what it could not hand back.
func (g *Group) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, g.opts.Partitions)
	for n := range g.opts.Partitions {
		wg.Go(func() {
			m := &member{group: g, partition: n, pulse: &g.pulses[n]}
			if errs[n] = m.run(ctx); errs[n] != nil {
				cancel() // one partition that cannot go on ends the node: its owner must know
			}
		})
	}
	wg.Wait()
	g.leave()
	return errors.Join(errs...)
}

// leave waits a moment for handlers that were cancelled with a lost lease: the
// drain has seen those of the last incarnation alone.
func (g *Group) leave() {
	for end := time.Now().Add(afterCancel); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if running, stuck := g.pool.counts(); running <= stuck {
			return
		}
	}
}

// Running is how many handlers run, and how many of them ignore their context.
func (g *Group) Running() (running, stuck int) { return g.pool.counts() }

// failed tells the observer about an error that was survived.
func (g *Group) failed(op string, err error) {
	if f := g.opts.Observer.Failed; f != nil && err != nil {
		f(op, g.opts.Queue, err)
	}
}

// sleep waits, or reports false when ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// backoff is how long to wait after so many failures in a row: a moment after the
// first, then 100 ms doubling to a second, and a quarter of it at random. While
// Redis is away every loop asks calmly, and soon goes on when it is back.
func backoff(failures int) time.Duration {
	d := 10 * time.Millisecond
	if failures > 1 {
		d = min(100*time.Millisecond<<min(failures-2, 4), time.Second)
	}
	return d + rand.N(d/4)
}

// fatal reports whether trying again cannot help.
func fatal(err error) bool {
	return errors.Is(err, task.ErrSchema) || errors.Is(err, task.ErrUnsafe) || errors.Is(err, task.ErrInvalidName)
}
