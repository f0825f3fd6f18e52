package engine

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/tidemill/tidemill/task"
)

// Handler runs one delivery. It answers nil (succeeded), [Snooze], [Bury],
// [RetryIn], or any other error: retry with backoff.
type Handler func(ctx context.Context, d *Delivery) error

// handler is a registered Handler with the defaults of its type.
type handler struct {
	run      Handler
	defaults settings
}

// errDecode marks a payload that is no T: no retry would help.
var errDecode = errors.New("decode payload")

// Handle registers what runs tasks of type t. Call it before Run; registering a
// type twice is an error that Run returns.
func Handle[T any](e *Engine, t Type[T], fn func(ctx context.Context, v T) error) {
	e.register(t.name, t.handler(fn))
}

// handler makes one of a function of payloads.
func (t Type[T]) handler(fn func(ctx context.Context, v T) error) *handler {
	h := func(ctx context.Context, d *Delivery) error {
		v, err := t.Decode(d.Payload)
		if err != nil {
			return fmt.Errorf("%w: %w", errDecode, err)
		}
		return fn(ctx, v)
	}
	return &handler{run: h, defaults: t.defaults}
}

// Perform runs fn for one delivery as a node would: it decodes the payload, sets
// the timeout, recovers a panic, and returns the verdict that a node would
// record, and whatever that is, the digest of what fn reported by [Result]. It
// needs no Redis and no Engine; package enginetest is made of it. The error is
// that of a bad Define.
func Perform[T any](ctx context.Context, t Type[T], fn func(ctx context.Context, v T) error, d *Delivery) (task.Settlement, error) {
	if err := t.defaults.err; err != nil {
		return task.Settlement{}, fmt.Errorf("perform %s: %w", t.name, err)
	}
	e := &Engine{handlers: map[string]*handler{string(d.Type): t.handler(fn)}}
	if limit := e.timeout(d); limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, ErrTimeout)
		defer cancel()
	}
	return e.perform(ctx, d), nil
}

// HandleRaw registers what runs tasks of the named type, payload as bytes. Its
// queue is "default" unless Options.Queues names others.
func (e *Engine) HandleRaw(name string, h Handler) {
	d := settings{queue: DefaultQueue}
	d.refuse(task.ValidName("type", name))
	e.register(name, &handler{run: h, defaults: d})
}

// Use wraps every handler. The first wrapper is the outermost. Call it before Run.
func (e *Engine) Use(wrap ...func(Handler) Handler) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.wrappers = append(e.wrappers, wrap...)
}

func (e *Engine) register(name string, h *handler) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, dup := e.handlers[name]; dup {
		h.defaults.refuse(fmt.Errorf("%w: type %q is handled twice", ErrInvalidOption, name))
	}
	if e.started {
		h.defaults.refuse(fmt.Errorf("%w: type %q is handled after Run began", ErrInvalidOption, name))
	}
	if h.defaults.err != nil {
		e.err = errors.Join(e.err, fmt.Errorf("handle %s: %w", name, h.defaults.err))
		return
	}
	e.handlers[name] = h
}

// current is a context that knows its delivery; one allocation a task.
type current struct {
	context.Context
	d       *Delivery
	results atomic.Pointer[results] // nil: none was reported
}

type currentKey struct{}

func (c *current) Value(key any) any {
	if key == (currentKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// Current returns the delivery a handler runs for. Its ID and Attempt together
// are the idempotency key of the handler's effects: the pair is used by one
// attempt only, though that attempt may run again after a crash.
func Current(ctx context.Context) (*Delivery, bool) {
	c, ok := ctx.Value(currentKey{}).(*current)
	if !ok {
		return nil, false
	}
	return c.d, true
}
