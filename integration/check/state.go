package check

import "fmt"

// state is where a task stands; the numbers are those of the index slots.
type state byte

const (
	none      state = 0
	waiting   state = 1
	ready     state = 2 // or running: the log does not tell
	succeeded state = 4
	dead      state = 5
	cancelled state = 6
	expired   state = 7
	removed   state = 8
	lost      state = 9
)

var stateNames = map[state]string{
	none: "none", waiting: "waiting", ready: "ready", succeeded: "succeeded", dead: "dead",
	cancelled: "cancelled", expired: "expired", removed: "purged", lost: "lost",
}

func (s state) String() string {
	if name, ok := stateNames[s]; ok {
		return name
	}
	return fmt.Sprintf("state %d", byte(s))
}

func (s state) terminal() bool { return s >= succeeded }

// ends tells the kinds that end a life.
var ends = map[string]state{"succeeded": succeeded, "dead": dead, "cancelled": cancelled, "expired": expired}

// moves is docs/STATES.md: from a state, by an event, to the next.
var moves = map[state]map[string]state{
	none:    {kindBorn: ready, kindScheduled: waiting},
	waiting: {kindReleased: ready, "cancelled": cancelled, "expired": expired, "entry_lost": lost},
	ready: {
		kindBack: ready, "succeeded": succeeded, "retry": waiting, "snoozed": waiting, "dead": dead,
		"cancelled": cancelled, "expired": expired, "cancel_requested": ready, "entry_lost": lost,
	},
	dead: {"requeued": waiting, "purged": removed},
}

// origin is a state from which the event is legal, for tasks whose earlier
// events nobody saw.
func origin(kind string) state {
	switch kind {
	case kindBorn, kindScheduled:
		return none
	case kindReleased:
		return waiting
	case "requeued", "purged":
		return dead
	default:
		return ready
	}
}
