package engine

import (
	"context"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// Names of what lies below.
type (
	Hold     = streams.Hold
	HoldFrom = streams.HoldFrom
)

// SetRetention says how much history a queue keeps, whatever the options of its nodes
// say; what is zero stays as they say, and the zero Retention takes all back. It
// replaces what was set before. Who and why is in the history. Errors: [ErrNotFound]
// for a queue that nobody registered, [ErrInvalidOption].
func (e *Engine) SetRetention(ctx context.Context, q task.Queue, keep Retention, by By) error {
	return e.log.SetRetention(ctx, q, keep, by)
}

// Retention tells what SetRetention set, of each partition of a queue.
func (e *Engine) Retention(ctx context.Context, q task.Queue) ([]Retention, error) {
	return e.log.Reader().Retention(ctx, q)
}

// Hold keeps the history of a queue from a moment on, whatever its retention, until
// EndHold. It tells where the hold really begins in each partition: what was trimmed
// before is gone. Asked again under the same name it holds the same, or more. A hold
// refuses no task: while it lasts, memory alone bounds the log. Errors:
// [ErrInvalidName], [ErrInvalidOption], [ErrNotFound].
func (e *Engine) Hold(ctx context.Context, name string, q task.Queue, from HoldFrom, by By) ([]Hold, error) {
	return e.log.Hold(ctx, name, q, from, by)
}

// EndHold releases a hold. Errors: [ErrNotFound] when there is none of that name, or
// none any more.
func (e *Engine) EndHold(ctx context.Context, name string, q task.Queue, by By) error {
	return e.log.EndHold(ctx, name, q, by)
}

// ForgetArchive lets trim remove what no archive has, until an archiver comes again.
// It reports whether anything was spared for one. Who and why is in the history.
func (e *Engine) ForgetArchive(ctx context.Context, q task.Queue, by By) (bool, error) {
	return e.log.ForgetArchive(ctx, q, by)
}

// Holds lists the holds of a queue.
func (e *Engine) Holds(ctx context.Context, q task.Queue) ([]Hold, error) {
	return e.log.Reader().Holds(ctx, q)
}
