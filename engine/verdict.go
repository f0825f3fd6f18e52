package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"time"

	"github.com/tidemill/tidemill/task"
)

// Bounds of what is kept of an error, and of tasks without a handler.
const (
	maxError     = 8 << 10
	unroutedBase = 5 * time.Second
	unroutedCap  = time.Minute
	unroutedMax  = time.Hour
)

// perform runs one delivery through its handler and gives the verdict.
func (e *Engine) perform(ctx context.Context, d *task.Delivery) task.Settlement {
	h := e.handlers[string(d.Type)]
	switch {
	case d.Type == "":
		return task.Settlement{Kind: task.OutcomeDead, Reason: "decode", Error: "not an entry of this log"}
	case !d.Opts.Deadline.IsZero() && time.Now().After(d.Opts.Deadline):
		return task.Settlement{Kind: task.OutcomeExpire}
	case h == nil:
		return unrouted(d)
	}
	if d.Opts.Unrouted != 0 { // no needless write: the outcome of a stuck attempt is settled beside its handler
		d.Opts.Unrouted = 0
	}
	c := &current{Context: ctx, d: d}
	if f := e.opts.Observer.Started; f != nil {
		f(c, d)
	}
	s := task.Settlement{Kind: task.OutcomeSuccess}
	if err := e.guarded(c, h.run, d); err != nil {
		s = e.verdict(ctx, h, d, err)
	}
	s.Result = c.result()
	return s
}

// guarded turns a panic into a failure with its stack.
func (e *Engine) guarded(ctx context.Context, h Handler, d *task.Delivery) (err error) {
	defer func() {
		if v := recover(); v != nil {
			stack := debug.Stack()
			err = fmt.Errorf("panic: %v\n%s", v, stack)
			if f := e.opts.Observer.Panicked; f != nil {
				f(ctx, d, v, stack)
			}
		}
	}()
	return h(ctx, d)
}

// verdict says what follows from a handler's error.
func (e *Engine) verdict(ctx context.Context, h *handler, d *task.Delivery, err error) task.Settlement {
	s := task.Settlement{Kind: task.OutcomeRetry, Error: clip(err.Error())}
	var (
		later  *snooze
		never  *bury
		custom *retryIn
	)
	switch {
	case errors.As(err, &later):
		s.Kind, s.Delay, s.Error = task.OutcomeSnooze, max(later.d, 0), ""
		return s
	case errors.As(err, &never):
		s.Kind, s.Reason = task.OutcomeDead, "buried"
		return s
	case errors.Is(err, errDecode):
		s.Kind, s.Reason = task.OutcomeDead, "decode"
		return s
	}
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, task.ErrDraining), errors.Is(cause, task.ErrCancelled):
		return s // no failure of the task: the group makes it a hand-back or a cancel
	case errors.Is(cause, task.ErrTimeout):
		s.Error = clip(fmt.Sprintf("%v: %v", task.ErrTimeout, err))
	}
	used := d.Attempt - d.Opts.Base
	if used > retries(d.Opts.Retries, h) {
		s.Kind, s.Reason = task.OutcomeDead, "retries"
		return s
	}
	s.Delay = h.defaults.backoff.Delay(used, rand.Float64())
	if errors.As(err, &custom) {
		s.Delay = max(custom.d, 0)
	}
	return s
}

// retries is how often the task may be tried again: as it was enqueued, as its
// type says here, or the default.
func retries(n int, h *handler) int {
	if n == 0 {
		n = h.defaults.opts.Retries
	}
	switch {
	case n < 0:
		return 0
	case n == 0:
		return DefaultRetries
	}
	return n
}

// expired is the verdict on an attempt whose handler did not heed its timeout.
func (e *Engine) expired(d *task.Delivery) task.Settlement {
	return e.verdict(context.Background(), e.handlers[string(d.Type)], d, fmt.Errorf("%w: the handler ignores its context", task.ErrTimeout))
}

// exited is the verdict on an attempt whose handler ended its goroutine.
func (e *Engine) exited(d *task.Delivery) task.Settlement {
	return e.verdict(context.Background(), e.handlers[string(d.Type)], d, errors.New("handler called runtime.Goexit"))
}

// timeout is how long an attempt may take.
func (e *Engine) timeout(d *task.Delivery) time.Duration {
	if d.Opts.Timeout > 0 {
		return d.Opts.Timeout
	}
	if h := e.handlers[string(d.Type)]; h != nil {
		return h.defaults.opts.Timeout
	}
	return 0
}

// unrouted sends a task on that this node has no handler for: another may, or a
// deploy is under way. In the end it is dead, but it is never a failure loop.
func unrouted(d *task.Delivery) task.Settlement {
	d.Opts.Unrouted++
	wait, total := unroutedBase, time.Duration(0)
	for n := 1; n < d.Opts.Unrouted && total < unroutedMax; n++ {
		total += wait
		wait = min(2*wait, unroutedCap)
	}
	if total >= unroutedMax {
		return task.Settlement{Kind: task.OutcomeDead, Reason: "unroutable", Error: fmt.Sprintf("no node handles type %s", d.Type)}
	}
	return task.Settlement{Kind: task.OutcomeSnooze, Delay: wait, Error: "no handler on this node"}
}

// clip bounds a text and makes it valid UTF-8.
func clip(s string) string {
	if len(s) > maxError {
		s = s[:maxError]
	}
	return strings.ToValidUTF8(s, "?")
}
