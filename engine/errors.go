package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/task"
)

// Errors that callers branch on, by errors.Is.
var (
	ErrInvalidName     = task.ErrInvalidName
	ErrInvalidID       = task.ErrInvalidID
	ErrInvalidPosition = task.ErrInvalidPosition
	ErrInvalidOption   = task.ErrInvalidOption
	ErrNotFound        = task.ErrNotFound
	ErrNotDead         = task.ErrNotDead
	ErrNotEnded        = task.ErrNotEnded
	ErrPayloadTooLarge = task.ErrPayloadTooLarge
	ErrBackpressure    = task.ErrBackpressure
	ErrUncertain       = task.ErrUncertain
	ErrNotReplicated   = task.ErrNotReplicated
	ErrUnavailable     = task.ErrUnavailable
	ErrDenied          = task.ErrDenied
	ErrUnsafe          = task.ErrUnsafe
	ErrSchema          = task.ErrSchema
	ErrClosed          = task.ErrClosed
	ErrLogRewound      = task.ErrLogRewound

	// Causes of a handler's context (context.Cause).
	ErrLeaseLost = task.ErrLeaseLost
	ErrCancelled = task.ErrCancelled
	ErrDraining  = task.ErrDraining
	ErrTimeout   = task.ErrTimeout
)

// snooze, bury and retryIn are the answers of handlers that are no failures of
// the usual kind.
type (
	snooze  struct{ d time.Duration }
	bury    struct{ err error }
	retryIn struct {
		d   time.Duration
		err error
	}
)

func (e *snooze) Error() string  { return fmt.Sprintf("snooze for %s", e.d) }
func (e *bury) Error() string    { return e.err.Error() }
func (e *bury) Unwrap() error    { return e.err }
func (e *retryIn) Error() string { return e.err.Error() }
func (e *retryIn) Unwrap() error { return e.err }

// Snooze is an answer of a handler: run again after d. No attempt is used.
func Snooze(d time.Duration) error { return &snooze{d: d} }

// Bury is an answer of a handler: failed for good, no retry.
func Bury(err error) error { return &bury{err: orUnnamed(err)} }

// RetryIn is an answer of a handler: failed, retry after d instead of the backoff.
func RetryIn(d time.Duration, err error) error { return &retryIn{d: d, err: orUnnamed(err)} }

func orUnnamed(err error) error {
	if err == nil {
		return errors.New("no error was given")
	}
	return err
}
