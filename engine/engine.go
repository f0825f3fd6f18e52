package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// Names of what lies below, so that users need one import.
type (
	ID        = task.ID
	Status    = task.Status
	Event     = task.Event
	Delivery  = task.Delivery
	By        = streams.By
	Filter    = streams.Filter
	Retention = streams.Retention
	Server    = streams.Server
)

// openTimeout bounds Open.
const openTimeout = 5 * time.Second

// Engine enqueues tasks and, while Run is called, works on them. Safe for
// concurrent use.
type Engine struct {
	opts   Options
	log    *streams.Log
	server Server
	tel    *telemetry

	mu       sync.Mutex // guards what follows, until Run reads it
	handlers map[string]*handler
	wrappers []func(Handler) Handler
	err      error // of a bad Handle, told by Run
	started  bool

	worker  atomic.Pointer[worker] // nil before Run
	rewinds atomic.Int64
}

// Open connects to the Redis at url and checks that tasks are safe there. It
// starts no goroutine. Schemes: redis, rediss, unix, redis+sentinel,
// redis+cluster, and mem (in this process alone, for tests and a first try).
//
// Errors: [ErrInvalidOption], [ErrInvalidName], [ErrUnavailable] after at most
// five seconds, [ErrUnsafe] when the server is too old, a replica, or evicts.
func Open(ctx context.Context, url string, o Options) (*Engine, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	e := &Engine{opts: o, handlers: map[string]*handler{}}
	var err error
	e.log, err = streams.New(url, streams.Options{
		Namespace: o.Namespace, TLS: o.TLS, Version: o.Version, Host: hostname(), Rewound: e.rewound,
	})
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	e.server, err = e.log.Preflight(limited, o.AllowEviction)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil { // of a dial, or of openTimeout
		err = fmt.Errorf("%w: no answer", ErrUnavailable)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open: %w", err), e.log.Close())
	}
	if e.tel, err = newTelemetry(e); err != nil {
		return nil, errors.Join(err, e.log.Close())
	}
	e.opts.Observer = Tee(e.opts.Observer, e.tel.observer())
	if f := e.opts.Observer.Opened; f != nil {
		f(e.server)
	}
	return e, nil
}

// Server tells what Open learned about the Redis, its durability among it.
func (e *Engine) Server() Server { return e.server }

// Close ends the connections. Run must have returned.
func (e *Engine) Close() error {
	e.tel.close()
	return e.log.Close()
}

// Log is the read side of the history: what replay, fsck and a dashboard take.
func (e *Engine) Log() *streams.Reader { return e.log.Reader() }
