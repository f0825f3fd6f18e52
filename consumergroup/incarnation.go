package consumergroup

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidemill/tidemill/task"
)

// incarnation is one consumer from join to leave, or to the moment it loses its
// lease.
//
//  1. held knows every entry that Redis may count as pending for this consumer
//     and that this process has seen, from the reply that brought it to the
//     reply that settled it. What Redis counts and held does not know was lost
//     on the way, and only the sweep adopts it.
//  2. While a sweep is under way nothing leaves held: its list of pending entries
//     may be older than a settle that just returned.
//  3. adopting is held for the whole of a reclaim or a sweep, so that an entry
//     comes in by one of them.
//  4. A work goes waiting → running → over, or waiting → over; whoever makes the
//     last step owns its outcome.
//  5. When the lease is lost, drop empties held at once, even while a loop waits
//     for an answer of Redis; nothing enters held after it, and outcomes are late.
type incarnation struct {
	m       *member
	session Session
	base    context.Context // what handlers' contexts are made from: values, no end
	lost    context.Context // done when the lease is lost; its cause says why
	lose    context.CancelCauseFunc

	adopting sync.Mutex
	swept    atomic.Bool // false: a sweep is due
	taken    []*work     // the last page taken over; guarded by adopting

	mu       sync.Mutex // guards what follows
	held     map[task.Position]*work
	sweeping bool
	gone     []task.Position // settled during a sweep
	outcomes []task.Settlement
	suspects []*work
	dropped  bool // the lease was lost

	settle  chan struct{} // cap 1: outcomes were added
	many    chan struct{} // cap 1: many were
	suspect chan struct{} // cap 1: suspects were added
}

// Phases of a work.
const (
	waiting int32 = iota
	running
	over
)

// work is one delivery in this process.
type work struct {
	in      *incarnation
	d       task.Delivery
	ctx     context.Context
	cancel  context.CancelCauseFunc
	phase   atomic.Int32
	charged bool
	began   time.Time
	started chan struct{} // of a suspect: closed at its start
	ended   chan struct{} // of a suspect: closed when its outcome is recorded, even without a start
}

func newIncarnation(ctx context.Context, m *member, s Session) *incarnation {
	in := &incarnation{
		m: m, session: s, base: context.WithoutCancel(ctx), held: map[task.Position]*work{},
		settle: make(chan struct{}, 1), many: make(chan struct{}, 1), suspect: make(chan struct{}, 1),
	}
	in.lost, in.lose = context.WithCancelCause(context.Background())
	in.swept.Store(true)
	in.wakeSettler() // there may be late outcomes of the one before
	return in
}

// run works until ctx is done and drains, or until the lease is lost; then the
// error is task.ErrFenced or task.ErrLeaseLost.
func (in *incarnation) run(ctx context.Context) error {
	stop, cancel := context.WithCancel(in.lost) // ends the loops that outlive ctx
	defer cancel()
	reading, stopReading := context.WithCancel(in.lost)
	defer stopReading()
	defer context.AfterFunc(ctx, stopReading)()
	defer context.AfterFunc(reading, in.session.Interrupt)()
	defer context.AfterFunc(in.lost, in.drop)()

	var wg, readers sync.WaitGroup
	readers.Go(func() { in.read(reading) })
	readers.Go(func() { in.watch(reading) })
	readers.Go(func() { in.runSuspects(reading) })
	wg.Go(func() { in.keep(stop) })
	wg.Go(func() { in.runSettler(stop, in.settle, 1) })
	wg.Go(func() { in.runSettler(stop, in.many, manySettle) })

	readers.Wait()
	var err error
	if in.lost.Err() == nil {
		err = in.drain(ctx)
	}
	cancel()
	wg.Wait()
	if in.lost.Err() != nil {
		in.drop()
		return context.Cause(in.lost)
	}
	return err
}

// drop gives up everything after the lease was lost: what waits is forgotten,
// what runs is cancelled and will report too late. Dropping twice is dropping once.
func (in *incarnation) drop() {
	cause := context.Cause(in.lost)
	if errors.Is(cause, task.ErrFenced) {
		cause = errors.Join(task.ErrLeaseLost, cause)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.dropped = true
	for _, w := range in.held {
		if !w.phase.CompareAndSwap(waiting, over) {
			w.cancel(cause)
		}
	}
	in.m.tooLate(in.outcomes, in.session.Name())
	in.held, in.outcomes = map[task.Position]*work{}, nil
}

// hold takes deliveries in; those it holds already are left out.
func (in *incarnation) hold(ds []task.Delivery) []*work {
	block := make([]work, len(ds)) // one allocation for all
	fresh := make([]*work, 0, len(ds))
	in.mu.Lock()
	defer in.mu.Unlock()
	for i := range ds {
		if in.dropped || in.held[ds[i].Entry] != nil {
			continue
		}
		w := &block[i]
		w.in, w.d = in, ds[i]
		w.ctx, w.cancel = context.WithCancelCause(in.base)
		in.held[w.d.Entry] = w
		fresh = append(fresh, w)
	}
	return fresh
}

// known reports whether the entry is held.
func (in *incarnation) known(at task.Position) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.held[at] != nil
}

// waits reports whether the work has not started yet.
func (w *work) waits() bool { return w.phase.Load() == waiting }

// run runs the handler, unless the work is over already.
func (w *work) run() {
	if !w.phase.CompareAndSwap(waiting, running) {
		return
	}
	opts := &w.in.m.group.opts
	w.began = time.Now()
	if w.started != nil {
		close(w.started)
	}
	ctx := w.ctx
	if limit := opts.Timeout(&w.d); limit > 0 {
		c, cancel := context.WithTimeoutCause(ctx, limit, task.ErrTimeout)
		defer cancel()
		defer time.AfterFunc(limit+stuckAfter, w.expire).Stop()
		ctx = c
	}
	exited := true // unless Handle returns
	defer func() {
		if exited {
			w.finish(opts.Exited(&w.d))
		}
	}()
	s := opts.Handle(ctx, &w.d)
	exited = false
	w.finish(s)
}

// finish reports the outcome, unless the attempt was given up before.
func (w *work) finish(s task.Settlement) {
	if !w.phase.CompareAndSwap(running, over) {
		w.in.m.group.pool.addStuck(-1)
		return
	}
	s.Delivery, s.Ran = &w.d, time.Since(w.began)
	w.in.report(w, s)
}

// stuckAfter is how long after its timeout a handler may take to return.
const stuckAfter = time.Second

// expire ends an attempt whose handler ignores its context. The slot stays taken.
func (w *work) expire() {
	opts := &w.in.m.group.opts
	if opts.Expired == nil || !w.phase.CompareAndSwap(running, over) {
		return
	}
	w.in.m.group.pool.addStuck(1)
	if f := opts.Observer.Stuck; f != nil {
		f(&w.d)
	}
	s := opts.Expired(&w.d)
	s.Delivery, s.Ran = &w.d, time.Since(w.began)
	w.in.report(w, s)
}

// report hands an outcome to the settler. What a stop or a cancel caused is no
// failure of the task; success and burial win over both.
func (in *incarnation) report(w *work, s task.Settlement) {
	if s.Kind == task.OutcomeRetry || s.Kind == task.OutcomeSnooze {
		switch cause := context.Cause(w.ctx); {
		case errors.Is(cause, task.ErrDraining):
			s.Kind = task.HandedBack
		case errors.Is(cause, task.ErrCancelled):
			s.Kind = task.OutcomeCancel
		}
	}
	w.cancel(nil)
	in.add(w, s)
}

// add queues an outcome, or keeps it to be logged when the lease was lost.
func (in *incarnation) add(w *work, s task.Settlement) {
	s.Delivery = &w.d
	if w.charged {
		w.d.Count-- // its own start is no crash
		w.charged = false
	}
	in.mu.Lock()
	late := in.dropped
	if !late {
		in.outcomes = append(in.outcomes, s)
	}
	many := len(in.outcomes) >= manySettle
	in.mu.Unlock()
	if late {
		in.m.tooLate([]task.Settlement{s}, in.session.Name())
		return
	}
	in.wakeSettler()
	if many {
		wake(in.many)
	}
}

func (in *incarnation) wakeSettler() { wake(in.settle) }

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
