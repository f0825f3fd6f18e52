package task

import "fmt"

// Kind is what an event says. Entries of the stream t are births, releases and
// hand-backs; everything else stands in e.
type Kind uint8

// The kinds of events. Outcomes are those a settle records.
const (
	Unknown         Kind = iota // written by a newer version; kept, not understood
	Born                        // enqueued to run now
	Scheduled                   // enqueued to run later
	Released                    // a waiting task became deliverable
	HandedBack                  // delivered, given back without a verdict
	OutcomeSuccess              // outcome: the handler returned nil
	OutcomeRetry                // outcome: failed, runs again later
	OutcomeSnooze               // outcome: asked to run later, no attempt used
	OutcomeDead                 // outcome: failed for good
	OutcomeCancel               // outcome: cancelled by an operator
	OutcomeExpire               // outcome: the deadline passed before a start
	StaleOutcome                // a fenced consumer reported late; recorded, without effect
	Reclaimed                   // a stalled delivery was taken over
	CancelRequested             // a running task is asked to stop
	Requeued                    // a dead task gets another life
	PurgedDead                  // a dead task was removed
	EntryLost                   // its entry vanished, from under a delivery or before a release
	Redacted                    // the payload of a task that has ended was removed
	Paused                      // partition: no deliveries
	Resumed                     // partition: deliveries again
	RetentionSet                // partition: what is kept was changed, or a range of it held
	Trimmed                     // partition: entries below a floor removed
	EpochStarted                // partition: Redis restarted, was promoted, flushed or restored
	Recovered                   // partition: a lost consumer group was rebuilt
	kinds
)

var kindNames = [kinds]string{
	"unknown", "born", "scheduled", "released", "handed_back", "succeeded", "retry", "snoozed", "dead", "cancelled",
	"expired", "stale_outcome", "reclaimed", "cancel_requested", "requeued", "purged", "entry_lost", "redacted", "paused",
	"resumed", "retention_set", "trimmed", "epoch", "recovered",
}

func (k Kind) String() string {
	if k >= kinds {
		panic(fmt.Sprintf("task: kind %d", k))
	}
	return kindNames[k]
}

// ParseKind is the reverse of String; what it does not know is [Unknown].
func ParseKind(name string) Kind {
	for k, n := range kindNames {
		if n == name {
			return Kind(k)
		}
	}
	return Unknown
}

// Kinds lists every kind.
func Kinds() []Kind {
	all := make([]Kind, kinds)
	for i := range all {
		all[i] = Kind(i)
	}
	return all
}

// States lists every state.
func States() []State {
	all := make([]State, states)
	for i := range all {
		all[i] = State(i)
	}
	return all
}

// IsOutcome reports whether the event ends an attempt, or a task that waits.
func (k Kind) IsOutcome() bool { return OutcomeSuccess <= k && k <= OutcomeExpire }

// OfPartition reports whether the event is about no single task.
func (k Kind) OfPartition() bool { return k >= Paused || k == Unknown }

// MarshalText makes kinds words in JSON.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText is the reverse of MarshalText.
func (k *Kind) UnmarshalText(b []byte) error {
	*k = ParseKind(string(b))
	return nil
}
