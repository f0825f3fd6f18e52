package task

import "time"

// Delivery is one task in the hands of one consumer.
type Delivery struct {
	ID         ID
	Type       Type
	Queue      Queue
	Attempt    int // 1 for the first
	EnqueuedAt time.Time
	Headers    map[string]string
	Payload    []byte

	Opts  Opts
	Entry Position // the stream entry that was delivered
	Count int      // deliveries of this entry, as Redis counts them
	DueMs int64    // when it was due, if it had waited
	Token string   // of the server that delivered it
}

// Starts is how often the task may have been started before without an
// outcome: taken over deliveries, and what a hand-back carried along.
func (d *Delivery) Starts() int { return d.Count - 1 + d.Opts.Crashes }

// Batch is what a read brought.
type Batch struct {
	Deliveries []Delivery
	Marks      int  // cancels marked in the partition: ask Renew before starting
	Paused     bool // the queue is paused: start nothing
}

// Settlement is the outcome of one delivery, to be recorded.
type Settlement struct {
	Delivery *Delivery
	Kind     Kind          // an outcome, HandedBack or StaleOutcome
	Delay    time.Duration // of OutcomeRetry and OutcomeSnooze
	Error    string
	Reason   string // of OutcomeDead
	Ran      time.Duration
	Result   Digest // of what the handler reported; recorded with OutcomeSuccess
	Wanted   Kind   // of StaleOutcome: the outcome that came too late
}

// Answer is what became of a settlement.
type Answer uint8

// The answers of a settle.
const (
	Recorded Answer = 'A' // by this call, or by the same call before
	Gone     Answer = 'G' // no longer pending
	Taken    Answer = 'T' // held by another consumer
)
