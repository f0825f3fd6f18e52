package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/replay/archive"
	"github.com/tidemill/tidemill/task"
)

// Exit codes.
const (
	exitOK           = 0
	exitFailed       = 1   // something failed or was lost
	exitUsage        = 2   // the command line is wrong
	exitData         = 65  // bad input
	exitUnavailable  = 69  // no Redis, or one that must not be used
	exitBackpressure = 75  // Redis takes no more; try later
	exitInterrupted  = 130 // a signal
)

// exitError carries an exit code and what to do next.
type exitError struct {
	code int
	err  error
	hint string
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// usage marks an error of the command line.
func usage(err error) error {
	return &exitError{code: exitUsage, err: err, hint: "tidemill help COMMAND tells what a command takes"}
}

// failure is an error with a code and a hint of its own.
func failure(code int, hint, format string, args ...any) error {
	return &exitError{code: code, hint: hint, err: fmt.Errorf(format, args...)}
}

// finish prints the error, if any, and returns the exit code.
func (a *app) finish(err error) int {
	if err == nil {
		return exitOK
	}
	code, hint := classify(err)
	fmt.Fprintf(a.err, "tidemill: %s\n", oneLine(err.Error()))
	if hint != "" {
		fmt.Fprintf(a.err, "hint: %s\n", hint)
	}
	return code
}

// classify maps an error to its exit code and hint.
func classify(err error) (code int, hint string) {
	var own *exitError
	var full *task.Backpressure
	switch {
	case errors.As(err, &own):
		return own.code, own.hint
	case strings.HasPrefix(err.Error(), "unknown command"):
		return exitUsage, "tidemill help lists the commands"
	case strings.HasPrefix(err.Error(), "accepts "), strings.HasPrefix(err.Error(), "requires "), strings.HasPrefix(err.Error(), "required flag"):
		return exitUsage, "tidemill help COMMAND tells what a command takes"
	case errors.As(err, &full) && full.Reason == "archive":
		return exitBackpressure, "is tidemill archive run running, and is there room? enqueues go on when it has caught up; tidemill doctor tells more"
	case errors.Is(err, engine.ErrBackpressure):
		return exitBackpressure, "redis is full: let workers drain, raise maxmemory, then try again"
	case errors.Is(err, engine.ErrUnsafe):
		return exitUnavailable, "tidemill doctor --redis URL tells what would bite on this server"
	case errors.Is(err, engine.ErrDenied):
		return exitUnavailable, "check user and password: --redis redis://USER:PASSWORD@HOST, or TIDEMILL_REDIS"
	case errors.Is(err, engine.ErrUnavailable):
		return exitUnavailable, "is Redis running there? name another with --redis URL or TIDEMILL_REDIS"
	case errors.Is(err, archive.ErrDamaged):
		return exitData, "tidemill verify DIR --pub KEY tells all that is damaged; log --from TIME reads on behind it, archive ls DIR tells when segments begin"
	case errors.Is(err, engine.ErrNotFound):
		return exitFailed, "tidemill queues lists the queues; ids are 26 characters"
	case errors.Is(err, engine.ErrNotDead):
		return exitFailed, "tidemill show ID tells where it stands"
	case errors.Is(err, engine.ErrInvalidID), errors.Is(err, engine.ErrInvalidName), errors.Is(err, engine.ErrInvalidOption), errors.Is(err, engine.ErrPayloadTooLarge):
		return exitData, ""
	case errors.Is(err, context.Canceled):
		return exitInterrupted, ""
	case errors.Is(err, context.DeadlineExceeded):
		return exitUnavailable, "redis did not answer in time; name another with --redis URL"
	}
	return exitFailed, ""
}
