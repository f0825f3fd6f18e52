package consumergroup

import (
	"context"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/task"
)

// Times of a stop, beyond Drain.
const (
	afterCancel = time.Second     // for handlers to notice that they are cancelled
	toSettle    = 5 * time.Second // for the last outcomes, when Redis is slow
)

// drain ends a consumer in order: what has not started goes back at once, what
// runs may end, the rest is cancelled and goes back. The lease is kept
// meanwhile. ctx is done already.
func (in *incarnation) drain(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	defer context.AfterFunc(in.lost, func() { cancel(task.ErrLeaseLost) })()
	in.handBack(in.all())
	if !in.wait(ctx, in.m.group.opts.Drain, in.looking(ctx, in.idle)) {
		if in.lost.Err() != nil {
			return context.Cause(in.lost) // drop tells the handlers why
		}
		for _, w := range in.all() {
			w.cancel(task.ErrDraining)
		}
		in.wait(ctx, afterCancel, in.idle)
		in.abandon()
	}
	return in.leave(ctx)
}

// leave waits for the last outcomes and deletes the consumer, once it holds
// nothing that this process has not seen.
func (in *incarnation) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, toSettle)
	defer cancel()
	for failures := 0; ; {
		if !in.wait(ctx, toSettle, in.empty) {
			return fmt.Errorf("drain %s: outcomes not recorded; their tasks will run again", in.m.group.opts.Queue)
		}
		unseen, err := in.returnUnseen(ctx)
		if err == nil && unseen == 0 {
			if err = in.session.Leave(ctx); err == nil {
				return nil
			}
		}
		if err == nil {
			continue
		}
		if failures++; !sleep(ctx, backoff(failures)) {
			return fmt.Errorf("drain %s: %w", in.m.group.opts.Queue, err)
		}
	}
}

// looking adds to a condition that is waited for: now and then it hands back what
// is unseen. A read that was cut off is answered all the same, to nobody, and a
// blocked one even gets what is handed back, until the server sees that the
// connection is closed.
func (in *incarnation) looking(ctx context.Context, ok func() bool) func() bool {
	next, pause := time.Now(), 10*time.Millisecond
	return func() bool {
		if !time.Now().Before(next) {
			c, cancel := context.WithTimeout(ctx, time.Second)
			_, err := in.returnUnseen(c)
			cancel()
			if ctx.Err() == nil {
				in.m.group.failed("sweep", err)
			}
			if pause = min(2*pause, time.Second); err != nil {
				pause = max(pause, 100*time.Millisecond)
			}
			next = time.Now().Add(pause)
		}
		return ok()
	}
}

// returnUnseen hands back deliveries that this process never saw, and returns how
// many there were.
func (in *incarnation) returnUnseen(ctx context.Context) (int, error) {
	in.adopting.Lock()
	defer in.adopting.Unlock()
	in.setSweeping(true)
	defer in.setSweeping(false)
	b, err := in.session.Sweep(ctx, in.known)
	if err != nil {
		return 0, err
	}
	ws := in.hold(b.Deliveries)
	in.handBack(ws)
	return len(ws), nil
}

func (in *incarnation) all() []*work {
	in.mu.Lock()
	defer in.mu.Unlock()
	ws := make([]*work, 0, len(in.held))
	for _, w := range in.held {
		ws = append(ws, w)
	}
	return ws
}

// idle reports whether no handler of this incarnation runs.
func (in *incarnation) idle() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, w := range in.held {
		if w.phase.Load() == running {
			return false
		}
	}
	return true
}

// empty reports whether everything was settled.
func (in *incarnation) empty() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.held) == 0
}

// abandon hands back what still runs: its handler ignores its context.
func (in *incarnation) abandon() {
	for _, w := range in.all() {
		if w.phase.CompareAndSwap(running, over) {
			in.m.group.pool.addStuck(1)
			in.add(w, task.Settlement{Kind: task.HandedBack, Ran: time.Since(w.began)})
		}
	}
}

// wait looks until ok says yes; false when the time is over or ctx ended.
func (in *incarnation) wait(ctx context.Context, limit time.Duration, ok func() bool) bool {
	for end := time.Now().Add(limit); !ok(); {
		if time.Now().After(end) || !sleep(ctx, 2*time.Millisecond) {
			return ok()
		}
	}
	return true
}
