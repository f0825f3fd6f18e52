package rerun

import (
	"cmp"
	"fmt"
	"maps"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// Mode is what is done with a history.
type Mode string

// The modes.
const (
	ModeObserve Mode = "observe"
	ModeShadow  Mode = "shadow"
	ModeRequeue Mode = "requeue"
	ModeBench   Mode = "bench"
)

// Modes lists every mode.
func Modes() []Mode { return []Mode{ModeShadow, ModeRequeue, ModeObserve, ModeBench} }

// Scope is what of a history is run again, and how. The zero value is all of it,
// as fast as possible.
type Scope struct {
	Filter replay.Filter // of events, or of the outcomes of attempts
	Cursor replay.Cursor // what is done already; it is moved along. nil: nothing, and no account
	Pace   Pace          // when; default as fast as possible
	Limit  int           // at most so many; 0: all
	Name   string        // of the replay, as handlers and new tasks have it; default "replay"
}

// Headers of tasks that a replay made.
const (
	HeaderCause  = task.HeaderCause  // the id of the task that it runs again
	HeaderReplay = "tidemill-replay" // the name of the replay
	HeaderActor  = "tidemill-actor"  // who asked for it
	HeaderReason = "tidemill-reason" // and why
)

func (s *Scope) name() string { return cmp.Or(s.Name, "replay") }

// validate refuses what cannot be meant. Errors wrap [task.ErrInvalidOption] or
// [task.ErrInvalidName].
func (s *Scope) validate() error {
	if s.Limit < 0 {
		return fmt.Errorf("%w: limit %d is negative", task.ErrInvalidOption, s.Limit)
	}
	if err := task.ValidName("replay", s.name()); err != nil {
		return err
	}
	if err := s.Pace.validate(); err != nil {
		return err
	}
	return s.Filter.Validate()
}

// full reports whether n is as much as was asked for.
func (s *Scope) full(n int) bool { return s.Limit > 0 && n >= s.Limit }

// reading is a cursor to read by, which runs ahead of what is done.
func (s *Scope) reading() replay.Cursor {
	if s.Cursor == nil {
		return replay.Cursor{}
	}
	return maps.Clone(s.Cursor)
}
