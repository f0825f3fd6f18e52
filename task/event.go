package task

import (
	"fmt"
	"time"
)

// Entry is one log entry as it is stored: names and values in turn.
type Entry struct {
	At     Position
	Fields [][]byte
	Erased bool // its payload was redacted
}

// Page is a stretch of a log.
type Page struct {
	Entries []Entry  // in order; they are good until the next page is read
	Next    Position // what follows comes after it
	Life    string   // of the server it was read from
	More    bool     // the log went on when it was read
}

// Event is one decoded log entry. A packed entry of n outcomes is read as n
// events that share At and differ in Item.
type Event struct {
	At        Position
	Item      int
	Partition Partition
	Queue     Queue
	Kind      Kind
	Task      ID            // zero for events of a partition
	Attempt   int           // 1 for the first
	Crashes   int           // starts before this attempt's end that had no outcome
	Consumer  string        // who settled, or who lost the delivery
	Ran       time.Duration // of the attempt that ended
	Result    Digest        // of a success: what its handler reported
	N         int           // tasks of a packed or paged entry
	Outcome   string        // of a stale_outcome: what it wanted to record
	Error     string
	Actor     string // of operators' verbs
	Reason    string
	DueMs     int64
	Prev      Position // what this event settles or follows from
	Extra     []byte

	// Of births, releases and hand-backs.
	Type    Type
	Payload []byte
	Erased  bool // the payload was redacted
	Headers map[string]string
	Opts    Opts

	Raw []string // of a kind or shape not understood: field, value, …
}

// Headers that name where a task comes from.
const (
	HeaderCause       = "tidemill-cause"       // id of another task
	HeaderCorrelation = "tidemill-correlation" // what all tasks of a chain have in common
)

// Birth is what a producer says about one task.
type Birth struct {
	Type    Type
	Queue   Queue
	Payload []byte
	Headers map[string]string
	Opts    Opts

	In     time.Duration // from now, by the clock of Redis; ≤ 0: now
	At     time.Time     // or at this moment
	Key    string        // idempotency key; empty: none
	KeyTTL time.Duration // how long the key is remembered

	Durability Durability // what the acknowledgement waits for; not stored
}

// Durability is what the acknowledgement of a birth waits for.
type Durability int8

// The levels of [Durability].
const (
	Local      Durability = iota // the primary has it, as durable as its persistence
	Replicated                   // one replica has it too
)

func (d Durability) String() string {
	switch d {
	case Local:
		return "local"
	case Replicated:
		return "replicated"
	}
	return fmt.Sprintf("durability %d", int8(d))
}

// Delayed reports whether the task starts in the zset.
func (b *Birth) Delayed() bool { return b.In > 0 || !b.At.IsZero() }

// Opts are settings that travel with a task, as Define or Enqueue set them.
// Zero values mean the engine's defaults.
type Opts struct {
	Retries  int           // after the first attempt; -1: none, 0: default
	Timeout  time.Duration // of one attempt
	Deadline time.Time     // not started after this moment
	Base     int           // attempts used in earlier lives (requeue)
	Crashes  int           // starts without outcome before a hand-back
	Unrouted int           // times it met a node without its handler
	KeyTTL   time.Duration
	Key      string
}

// Due says when a waiting task falls due.
type Due struct {
	ID ID
	Ms int64
}
