package task

import "fmt"

// State is where a task stands. Running is seen only in the live state: a
// delivery is no event, so to the log a running task is Ready.
type State uint8

// The states of a task.
const (
	None      State = iota // not born, or trimmed
	Waiting                // delayed, retrying or snoozed: in the zset
	Ready                  // in the stream, to be delivered
	Running                // delivered to a consumer
	Succeeded              // terminal: its handler returned nil
	Dead                   // terminal until requeued: failed for good
	Cancelled              // terminal: an operator did not want it any more
	Expired                // terminal: the deadline passed before a start
	Purged                 // terminal: was dead, then removed on purpose
	Lost                   // terminal: its entry vanished from the stream; the log says so
	states
)

var stateNames = [states]string{"none", "waiting", "ready", "running", "succeeded", "dead", "cancelled", "expired", "purged", "lost"}

func (s State) String() string {
	if s >= states {
		panic(fmt.Sprintf("task: state %d", s))
	}
	return stateNames[s]
}

// ParseState is the reverse of String.
func ParseState(name string) (State, error) {
	for s, n := range stateNames {
		if n == name {
			return State(s), nil
		}
	}
	return None, fmt.Errorf("%w: state %q", ErrInvalidOption, clip(name))
}

// Terminal reports whether nothing but a requeue can follow.
func (s State) Terminal() bool { return s >= Succeeded }

// MarshalText makes states words in JSON.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is the reverse of MarshalText.
func (s *State) UnmarshalText(b []byte) (err error) {
	*s, err = ParseState(string(b))
	return err
}
