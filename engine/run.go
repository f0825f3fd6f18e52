package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/tidemill/tidemill/consumergroup"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
	"github.com/tidemill/tidemill/timer"
)

// Run works until ctx is done, drains, and returns nil after a clean stop. It
// may be called once. A bad Handle or option comes back before anything runs;
// an error later says what could not go on or be handed back.
func (e *Engine) Run(ctx context.Context) error {
	queues, err := e.start()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	n := &node{engine: e, name: ulid.Make().String(), started: time.Now(), queues: queues}
	var wg sync.WaitGroup
	errs := make(chan error, 1)
	run := func(f func(context.Context) error) {
		wg.Go(func() {
			if err := f(ctx); err != nil {
				select {
				case errs <- err:
				default:
				}
				cancel(err)
			}
		})
	}
	if err := n.wire(ctx, run); err != nil {
		cancel(err)
		wg.Wait()
		return err
	}
	run(n.announce)
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

// start freezes the handlers and says which queues to work on.
func (e *Engine) start() (map[string]int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.err != nil:
		return nil, e.err
	case e.started:
		return nil, fmt.Errorf("%w: Run is called twice", ErrInvalidOption)
	case len(e.handlers) == 0:
		return nil, fmt.Errorf("%w: Run without a handler", ErrInvalidOption)
	}
	e.started = true
	queues := map[string]int{}
	maps.Copy(queues, e.opts.Queues)
	if len(queues) == 0 {
		for _, h := range e.handlers {
			queues[h.defaults.queue] = DefaultConcurrency
		}
	}
	for _, h := range e.handlers {
		h.run = e.tel.consume(h.run)
		for _, wrap := range slices.Backward(e.wrappers) {
			h.run = wrap(h.run)
		}
	}
	return queues, nil
}

// node is one running Run.
type node struct {
	engine  *Engine
	name    string
	started time.Time
	queues  map[string]int
	stores  []*streams.Waiting

	mu        sync.Mutex
	consumers map[string]bool
}

// wire makes the parts of every queue: a group, and per partition a releaser
// and a trimmer.
func (n *node) wire(ctx context.Context, run func(func(context.Context) error)) (err error) {
	defer func() {
		if err != nil { // nothing runs that would close them
			for _, s := range n.stores {
				_ = s.Close()
			}
		}
	}()
	gate := consumergroup.NewGate()
	n.consumers = map[string]bool{}
	var groups []*consumergroup.Group
	slots := 0
	var starts []func(context.Context) error
	for q, concurrency := range n.queues {
		parts, err := n.partitions(ctx, task.Queue(q))
		if err != nil {
			return err
		}
		slots += concurrency
		g, err := consumergroup.New(n.groupOptions(task.Queue(q), parts, concurrency, gate))
		if err != nil {
			return err
		}
		groups = append(groups, g)
		starts = append(starts, g.Run)
		for i := range parts {
			r, err := n.releaser(ctx, task.Queue(q), i)
			if err != nil {
				return err
			}
			starts = append(starts, r.Run, func(ctx context.Context) error { return n.trim(ctx, task.Queue(q), i) })
		}
	}
	n.engine.worker.Store(&worker{groups: groups, slots: slots, draining: func() bool { return ctx.Err() != nil }})
	for _, f := range starts {
		run(f)
	}
	return nil
}

// partitions registers a queue, for as long as it takes: a node that starts while
// Redis is away waits for it.
func (n *node) partitions(ctx context.Context, q task.Queue) (int, error) {
	for {
		parts, err := n.engine.log.Register(ctx, q)
		if !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrDenied) || ctx.Err() != nil {
			return parts, err
		}
		if f := n.engine.opts.Observer.Failed; f != nil {
			f("register", string(q), err)
		}
	}
}

func (n *node) groupOptions(q task.Queue, parts, concurrency int, gate *consumergroup.Gate) consumergroup.Options {
	e := n.engine
	return consumergroup.Options{
		Queue: q, Partitions: parts, Concurrency: concurrency, Lease: e.opts.Lease, Drain: e.opts.Drain, Suspects: gate,
		Join: func(ctx context.Context, partition int) (consumergroup.Session, error) {
			return e.log.Join(ctx, q, partition)
		},
		Handle: e.perform, Timeout: e.timeout, Expired: e.expired, Exited: e.exited, Observer: n.observer(),
	}
}

// observer passes on what the groups tell, and remembers the consumers' names.
func (n *node) observer() consumergroup.Observer {
	o := n.engine.opts.Observer
	return consumergroup.Observer{
		Joined: func(_ task.Queue, consumer string) { n.keep(consumer, true) },
		Fenced: func(q task.Queue, consumer string, cause error) {
			n.keep(consumer, false)
			if o.Fenced != nil {
				o.Fenced(string(q), consumer, cause)
			}
		},
		Settled: o.settled(), Reclaimed: o.reclaimed(), Stuck: o.Stuck, Failed: o.failed(),
	}
}

func (n *node) keep(consumer string, on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if on {
		n.consumers[consumer] = true
	} else {
		delete(n.consumers, consumer)
	}
}

func (n *node) releaser(ctx context.Context, q task.Queue, partition int) (*timer.Releaser, error) {
	e := n.engine
	store, err := e.log.Waiting(ctx, q, partition)
	if err != nil {
		return nil, err
	}
	n.stores = append(n.stores, store)
	o := e.opts.Observer
	return timer.NewReleaser(store, timer.Options{
		Name: n.name, Heartbeat: e.opts.Lease / 3,
		Released: func(k int) {
			if o.Released != nil {
				o.Released(string(q), k)
			}
		},
		Failed: func(err error) {
			if o.Failed != nil {
				o.Failed("release", string(q), err)
			}
		},
	}), nil
}

// trimEvery is how often a node looks whether there is history to trim; where nothing
// is written, it looks less and less often, every 20 s in the end. There only time makes
// some, and trimIdle is often enough to trim it.
const (
	trimEvery = 5 * time.Second
	trimIdle  = time.Minute
)

// trim keeps the history within its retention. One node does it at a time.
func (n *node) trim(ctx context.Context, q task.Queue, partition int) error {
	e := n.engine
	every := trimEvery
	t := time.NewTimer(every)
	defer t.Stop()
	var seen int64
	var trimmed time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		lsn, full, err := e.log.LSN(ctx, q, partition)
		still := err == nil && lsn == seen && !full // who waits for the archive shall not wait for us
		if still {
			every = min(2*every, 4*trimEvery)
		} else {
			every = trimEvery
		}
		t.Reset(every)
		if still && time.Since(trimmed) < trimIdle {
			continue
		}
		if err == nil {
			_, err = e.log.Trim(ctx, q, partition, n.name, e.opts.Retention)
		}
		if err == nil {
			seen, trimmed = lsn, time.Now()
		}
		if err != nil && ctx.Err() == nil && e.opts.Observer.Failed != nil {
			e.opts.Observer.Failed("trim", string(q), err)
		}
	}
}

// hostname is where this process runs, as the machine says; empty: it does not.
func hostname() string {
	name, _ := os.Hostname()
	return name
}

// announce shows this node to operators until ctx is done.
func (n *node) announce(ctx context.Context) error {
	e := n.engine
	every := max(e.opts.Lease, time.Second)
	host := hostname()
	for {
		err := e.log.Announce(ctx, n.describe(host), 3*every)
		if err != nil && ctx.Err() == nil && e.opts.Observer.Failed != nil {
			e.opts.Observer.Failed("announce", "", err)
		}
		t := time.NewTimer(every)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_ = e.log.Withdraw(bye, n.name) // it ends by itself
			return nil
		}
	}
}

func (n *node) describe(host string) streams.Node {
	running, _ := n.engine.Running()
	d := streams.Node{Name: n.name, Host: host, PID: os.Getpid(), Started: n.started, Running: running, Queues: map[task.Queue]int{}}
	for q, c := range n.queues {
		d.Queues[task.Queue(q)] = c
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	d.Holds = slices.Sorted(maps.Keys(n.consumers))
	return d
}
