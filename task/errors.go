package task

import (
	"errors"
	"fmt"
)

// Errors that callers branch on. The engine package aliases them; each method
// says which can come back.
var (
	// ErrInvalidName: a namespace, queue or type outside the pattern.
	ErrInvalidName = errors.New("invalid name")
	// ErrInvalidID: a string that is no task id.
	ErrInvalidID = errors.New("invalid task id")
	// ErrInvalidPosition: a string that is no position in a log.
	ErrInvalidPosition = errors.New("invalid position")
	// ErrInvalidOption: an option outside its range; the text names the field.
	ErrInvalidOption = errors.New("invalid option")
	// ErrNotFound: no such task, or its history was trimmed.
	ErrNotFound = errors.New("not found")
	// ErrNotDead: requeue or purge of a task that is not dead.
	ErrNotDead = errors.New("task is not dead")
	// ErrNotEnded: redaction of a task that may still run.
	ErrNotEnded = errors.New("task has not ended")
	// ErrPayloadTooLarge: the payload exceeds the limit; nothing was sent.
	ErrPayloadTooLarge = errors.New("payload too large")
	// ErrUncertain: the call may or may not have taken effect; an idempotency
	// key makes repeating it safe.
	ErrUncertain = errors.New("outcome uncertain")
	// ErrNotReplicated: the task is stored, but no replica has confirmed it yet.
	ErrNotReplicated = errors.New("stored, not yet replicated")
	// ErrFenced: another consumer was given this one's deliveries.
	ErrFenced = errors.New("consumer fenced")
	// ErrLeaseLost: the cause of a handler's context when its node lost the lease.
	ErrLeaseLost = errors.New("lease lost")
	// ErrCancelled: the cause of a handler's context when an operator cancelled the task.
	ErrCancelled = errors.New("task cancelled")
	// ErrDraining: the cause of a handler's context when its node stops.
	ErrDraining = errors.New("node is draining")
	// ErrTimeout: the cause of a handler's context when the attempt took too long.
	ErrTimeout = errors.New("attempt timed out")
	// ErrPaused: the queue is paused.
	ErrPaused = errors.New("queue is paused")
	// ErrLogRewound: Redis lost a tail of the log that had been acknowledged.
	ErrLogRewound = errors.New("log rewound")
	// ErrUnavailable: Redis cannot be reached or refuses to serve.
	ErrUnavailable = errors.New("redis unavailable")
	// ErrDenied: Redis refuses the user or the password. It comes with ErrUnavailable.
	ErrDenied = errors.New("access denied")
	// ErrUnsafe: this Redis would lose tasks (too old, evicting, a replica).
	ErrUnsafe = errors.New("unsafe redis")
	// ErrSchema: the partition was written by a newer, incompatible version.
	ErrSchema = errors.New("schema not understood")
	// ErrClosed: the engine was closed.
	ErrClosed = errors.New("closed")
)

// ErrBackpressure matches every [Backpressure] by errors.Is. It is what others call
// a full queue: later there may be room, so try again.
var ErrBackpressure = errors.New("back-pressure")

// Backpressure says why an enqueue was refused; nothing was written.
type Backpressure struct {
	Reason string // memory | archive | length
}

func (e *Backpressure) Error() string {
	if e.Reason == "archive" {
		return "back-pressure: archive: it falls behind and nothing is trimmed; get it going, or end it with tidemill archive forget"
	}
	return fmt.Sprintf("back-pressure: %s", e.Reason)
}

// Is makes errors.Is(err, ErrBackpressure) true.
func (e *Backpressure) Is(target error) bool { return target == ErrBackpressure }

// IllegalError says that an event does not follow from a state.
type IllegalError struct {
	State State
	Kind  Kind
}

func (e *IllegalError) Error() string {
	return fmt.Sprintf("illegal transition: %s in state %s", e.Kind, e.State)
}
