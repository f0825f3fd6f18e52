package engine

import (
	"context"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// Observer is told what happens, from any goroutine; it must not block. Every
// func may be nil. Several go together with [Tee]; [Slog] is one that logs.
type Observer struct {
	Opened   func(s Server)
	Enqueued func(ctx context.Context, births []task.Birth, tasks []Task)
	Started  func(ctx context.Context, d *Delivery)
	// Settled tells an outcome that was recorded (task.Recorded), or was not,
	// because the delivery had been lost.
	Settled   func(s *task.Settlement, a task.Answer)
	Released  func(queue string, n int) // waiting tasks became ready
	Reclaimed func(queue, from string, n int)
	Fenced    func(queue, consumer string, cause error)
	Stuck     func(d *Delivery)
	Panicked  func(ctx context.Context, d *Delivery, value any, stack []byte)
	Rewound   func(r streams.Rewind) // Redis lost what it had acknowledged
	Failed    func(op, queue string, err error)
}

// Tee tells all of them, in order.
func Tee(all ...Observer) Observer {
	var t Observer
	for _, o := range all {
		t = t.and(o)
	}
	return t
}

func (o Observer) and(p Observer) Observer {
	return Observer{
		Opened:    both1(o.Opened, p.Opened),
		Enqueued:  both3(o.Enqueued, p.Enqueued),
		Started:   both2(o.Started, p.Started),
		Settled:   both2(o.Settled, p.Settled),
		Released:  both2(o.Released, p.Released),
		Reclaimed: both3(o.Reclaimed, p.Reclaimed),
		Fenced:    both3(o.Fenced, p.Fenced),
		Stuck:     both1(o.Stuck, p.Stuck),
		Panicked:  both4(o.Panicked, p.Panicked),
		Rewound:   both1(o.Rewound, p.Rewound),
		Failed:    both3(o.Failed, p.Failed),
	}
}

func both1[A any](f, g func(A)) func(A) {
	if f == nil || g == nil {
		return either(f, g, f == nil)
	}
	return func(a A) { f(a); g(a) }
}

func both2[A, B any](f, g func(A, B)) func(A, B) {
	if f == nil || g == nil {
		return either(f, g, f == nil)
	}
	return func(a A, b B) { f(a, b); g(a, b) }
}

func both3[A, B, C any](f, g func(A, B, C)) func(A, B, C) {
	if f == nil || g == nil {
		return either(f, g, f == nil)
	}
	return func(a A, b B, c C) { f(a, b, c); g(a, b, c) }
}

func both4[A, B, C, D any](f, g func(A, B, C, D)) func(A, B, C, D) {
	if f == nil || g == nil {
		return either(f, g, f == nil)
	}
	return func(a A, b B, c C, d D) { f(a, b, c, d); g(a, b, c, d) }
}

func either[F any](f, g F, second bool) F {
	if second {
		return g
	}
	return f
}

// settled, reclaimed and failed are what a group is given.
func (o Observer) settled() func(*task.Settlement, task.Answer) { return o.Settled }

func (o Observer) reclaimed() func(task.Queue, string, int) {
	if o.Reclaimed == nil {
		return nil
	}
	return func(q task.Queue, from string, n int) { o.Reclaimed(string(q), from, n) }
}

func (o Observer) failed() func(string, task.Queue, error) {
	if o.Failed == nil {
		return nil
	}
	return func(op string, q task.Queue, err error) { o.Failed(op, string(q), err) }
}
