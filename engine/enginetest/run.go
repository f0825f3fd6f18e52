package enginetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

// Verdict is what a node would record of a run.
type Verdict = task.Kind

// The verdicts.
const (
	Succeeded = task.OutcomeSuccess
	Retry     = task.OutcomeRetry  // it runs again after Result.Delay
	Snoozed   = task.OutcomeSnooze // the same, and no attempt was used
	Buried    = task.OutcomeDead   // for good; Result.Reason says why
	Expired   = task.OutcomeExpire // its deadline had passed: the handler did not run
)

// Result says what came of a run.
type Result struct {
	Verdict Verdict
	Err     error         // of Retry and Buried: what the handler answered, or why it could not
	Delay   time.Duration // until the next attempt; after a backoff a random part of it
	Reason  string        // of Buried: buried, retries, decode
}

// String is for the text of a failing test: "retry in 2s: connection refused".
func (r Result) String() string {
	s := r.Verdict.String()
	if r.Reason != "" {
		s += " (" + r.Reason + ")"
	}
	if r.Delay > 0 {
		s += fmt.Sprintf(" in %s", r.Delay)
	}
	if r.Err != nil {
		s += ": " + r.Err.Error()
	}
	return s
}

// Option changes the delivery that a run is for.
type Option func(*run)

// Attempt is which attempt this is, 1 for the first. Beyond the retries of the
// type, a failure buries the task.
func Attempt(n int) Option { return func(r *run) { r.attempt = n } }

// With enqueues with these options: engine.Header, Retry, Timeout, Deadline …
func With(opts ...engine.EnqueueOption) Option {
	return func(r *run) { r.opts = append(r.opts, opts...) }
}

type run struct {
	attempt int
	opts    []engine.EnqueueOption
}

// Run enqueues v, takes it as a node would, runs fn once, and says what came of
// it. Inside fn engine.Current knows the delivery. A handler that ignores its
// context is waited for. It panics where Enqueue would return an error.
func Run[T any](ctx context.Context, t engine.Type[T], fn func(context.Context, T) error, v T, opts ...Option) Result {
	r := run{attempt: 1}
	for _, o := range opts {
		o(&r)
	}
	d := r.deliver(func(to engine.Producer) (engine.Task, error) {
		return t.Enqueue(context.WithoutCancel(ctx), to, v, r.opts...)
	})
	var answer error
	s, err := engine.Perform(ctx, t, func(ctx context.Context, v T) error {
		answer = fn(ctx, v)
		return answer
	}, d)
	if err != nil {
		panic("enginetest: " + err.Error()) // Enqueue has said so before
	}
	switch {
	case s.Kind == Snoozed:
		answer = nil
	case answer == nil && s.Error != "":
		answer = errors.New(s.Error) // a panic, or bytes that are no T
	}
	return Result{Verdict: s.Kind, Err: answer, Delay: s.Delay, Reason: s.Reason}
}

// deliver makes the delivery of a task that is enqueued.
func (r *run) deliver(enqueue func(engine.Producer) (engine.Task, error)) *engine.Delivery {
	var rec Recorder
	made, err := enqueue(&rec)
	if err != nil {
		panic("enginetest: " + err.Error())
	}
	b := rec.Births()[0]
	return &engine.Delivery{
		ID: made.ID, Type: b.Type, Queue: b.Queue, Attempt: r.attempt, EnqueuedAt: made.ID.Time(),
		Headers: b.Headers, Payload: b.Payload, Opts: b.Opts, Entry: made.ID.Birth(), Count: 1,
	}
}
