// Package history is what a fault run leaves behind: files in one directory,
// written by the processes of the run and by the witness, read by the checker.
// It shares nothing with the engine: names of fields and keys are those of
// docs/FORMAT.md, read anew.
//
//	run.json           what was run, on what            [Run]
//	ops-NAME.jsonl     what one process asked and was told [Op]
//	effects            what handlers did                [Effect], one line each
//	faults.jsonl       what was done to the system      [Fault]
//	clock.jsonl        jumps of the clock of Redis      [Clock]
//	log-Q-N.jsonl      entries as the witness saw them  [Entry], oldest first
//	orphans-Q-N.jsonl  entries that Redis forgot again  [Entry]
//	live-Q-N.json      the live keys after the drain    [Live]
//	rate.jsonl         completions a second             [Rate]
//
// All times are nanoseconds of CLOCK_MONOTONIC, which the processes of one
// machine share and which no clock jump moves; wall times are milliseconds.
package history

// Run says what was run.
type Run struct {
	Seed       int64    `json:"seed"`
	Started    string   `json:"started"` // RFC 3339
	Commit     string   `json:"commit"`
	Machine    string   `json:"machine"`
	Server     string   `json:"server"`     // "redis 7.0.15"
	Topology   string   `json:"topology"`   // standalone, sentinel, cluster, container
	Durability string   `json:"durability"` // memory, everysec, always, replicated
	Namespace  string   `json:"namespace"`
	Queues     []string `json:"queues"`
	LeaseMs    int64    `json:"lease_ms"`
	Faults     []string `json:"faults"`
	Seconds    float64  `json:"seconds"` // of load
	Drained    bool     `json:"drained"` // everything came to an end
}

// What a client operation did.
const (
	Enqueue = "enqueue"
	Cancel  = "cancel"
	Requeue = "requeue"
)

// How far a client operation came.
const (
	Invoke  = "invoke"
	OK      = "ok"      // done, as acknowledged
	Fail    = "fail"    // not done, as told
	Unknown = "unknown" // it may be done
)

// Op is one line of a client: first an Invoke, then, if the client lives, how it
// ended. N ties the two together.
type Op struct {
	T      int64    `json:"t"`
	N      int64    `json:"n"`
	Do     string   `json:"do"`
	Res    string   `json:"res"`
	Births []Birth  `json:"births,omitempty"` // Enqueue, Invoke
	IDs    []string `json:"ids,omitempty"`    // Enqueue: of the births known to be in, always the first ones, also with Fail and Unknown
	Known  []bool   `json:"known,omitempty"`  // of IDs: an older task had the key
	ID     string   `json:"id,omitempty"`     // Cancel, Requeue
	Err    string   `json:"err,omitempty"`
}

// Birth is one task that a client asked for. The tag is its payload's first
// word, unique in the run but for births that share a key.
type Birth struct {
	Tag        string `json:"tag"`
	Queue      string `json:"queue"`
	Plan       string `json:"plan"` // what the handler will do, see Plans in the chaos program
	InMs       int64  `json:"in,omitempty"`
	Key        string `json:"key,omitempty"`
	Replicated bool   `json:"replicated,omitempty"` // acknowledged only when a replica has it
}

// What a handler did.
const (
	Start = "start"
	End   = "end" // its outcome follows: ok, retry, bury, snooze
	Cut   = "cut" // its context was cancelled
)

// Effect is one line of the effects file, the truth about what ran.
type Effect struct {
	What    string
	Tag     string
	ID      string
	Attempt int
	Node    string // the worker process: name/pid
	T       int64
	WallMs  int64
	Outcome string // of End
}

// What a fault may lose without breaking the promise.
const (
	Nothing = "nothing"
	Tail    = "tail"  // what Redis acknowledged last, if an epoch event names the gap
	All     = "all"   // everything up to now, if an epoch event names the gap
	Cutting = "taken" // entries that a stranger took out of the log
)

// Fault is one thing that was done to the system.
type Fault struct {
	Name     string `json:"name"`
	From     int64  `json:"from"`
	To       int64  `json:"to"` // healed
	Target   string `json:"target,omitempty"`
	PID      int    `json:"pid,omitempty"`  // of a worker that was killed or stopped
	Observed int64  `json:"observed"`       // how often it was seen to bite; 0 voids the run
	Loses    string `json:"loses"`          // Nothing, Tail, All, Cutting
	Note     string `json:"note,omitempty"` // for people
	Err      string `json:"err,omitempty"`

	// HorizonMs bounds a loss of Tail: what was acknowledged so long before From is
	// safe. 0: unbounded.
	HorizonMs int64 `json:"horizon_ms,omitempty"`
}

// Clock tells that from T on Redis's clock is OffsetMs away from the machine's.
type Clock struct {
	T        int64 `json:"t"`
	OffsetMs int64 `json:"offset_ms"`
}

// Rate counts handler ends, one line a second.
type Rate struct {
	T int64 `json:"t"`
	N int64 `json:"n"`
}

// Entry is one stream entry as Redis returned it.
type Entry struct {
	Stream string   `json:"s"` // t or e
	ID     string   `json:"id"`
	Fields [][]byte `json:"f"` // name, value, name, value…
	T      int64    `json:"at"`
	Gone   bool     `json:"gone,omitempty"` // not in the stream any more when the run ended
}

// Live is what the keys of one partition hold, read raw after the drain.
type Live struct {
	Queue     string            `json:"queue"`
	Partition int               `json:"partition"`
	Meta      map[string]string `json:"m"`
	Delivered string            `json:"last_delivered"` // of the group
	Pending   []Pending         `json:"pending"`
	Waiting   map[string]int64  `json:"z"` // id → due ms
	Copies    []string          `json:"d"` // ids
	Members   map[string]string `json:"f"`
	Cancels   map[string]int64  `json:"c"`
	Dead      map[string]int64  `json:"x"`
	Graves    []string          `json:"y"` // ids
	Chunks    map[string][]byte `json:"o"` // chunk number → bytes
	Keys      []Key             `json:"keys"`
}

// Pending is one row of the group's pending list.
type Pending struct {
	ID       string `json:"id"`
	Consumer string `json:"consumer"`
	Count    int64  `json:"count"`
}

// Key is one key of the namespace; TTLMs is -1 where it has no end of its own.
type Key struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	TTLMs int64  `json:"ttl_ms"`
}
