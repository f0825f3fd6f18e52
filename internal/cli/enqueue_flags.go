package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/tidemill/tidemill/engine"
)

// enqueueFlags is the command line of enqueue.
type enqueueFlags struct {
	queue, typ          string
	payload, file       string
	key, keyField       string
	in, keyTTL, timeout time.Duration
	at, deadline        string
	retry               int
	stdin               bool                   // the argument -, or --file -
	given               func(flag string) bool // whether a flag was set
}

func (e *enqueueFlags) flags(f *pflag.FlagSet) {
	f.StringVar(&e.queue, "queue", engine.DefaultQueue, "the queue it goes to `Q`")
	f.StringVar(&e.typ, "type", "", "what kind of task it is `T` (required)")
	f.StringVar(&e.payload, "payload", "", "make one task of `JSON`")
	f.StringVar(&e.file, "file", "", "make a task of each line of `F.ndjson`; - is standard input")
	f.DurationVar(&e.in, "in", 0, "run it this much later, as 90s or 1h30m")
	f.StringVar(&e.at, "at", "", "run it at `TIME`, as 2026-12-24T18:00:00Z")
	f.StringVar(&e.deadline, "deadline", "", "do not start it after `TIME`")
	f.StringVar(&e.key, "key", "", "idempotency `KEY` of one task")
	f.StringVar(&e.keyField, "key-field", "", "take the idempotency key from the field `NAME` of each payload")
	f.DurationVar(&e.keyTTL, "key-ttl", 24*time.Hour, "how long a key is remembered")
	f.IntVar(&e.retry, "retry", 0, "retries after the first attempt (default as the worker says, 20)")
	f.DurationVar(&e.timeout, "timeout", 0, "limit of one attempt (default as the worker says, none)")
	e.given = f.Changed
}

// check refuses flags that do not go together.
func (e *enqueueFlags) check() error {
	one, file := e.given("payload"), e.given("file") && e.file != "-"
	switch {
	case !e.given("type"):
		return usage(errors.New("--type is required"))
	case one && file, one && e.stdin, file && e.stdin, !one && !file && !e.stdin:
		return usage(errors.New("say what to enqueue, one of: --payload JSON, --file F.ndjson, - (standard input)"))
	case e.given("in") && e.given("at"):
		return usage(errors.New("--in and --at exclude each other"))
	case e.given("key") && e.given("key-field"):
		return usage(errors.New("--key and --key-field exclude each other"))
	case e.given("key") && !one:
		return usage(errors.New("--key is the key of one task; many take theirs from --key-field NAME"))
	case e.given("key-field") && e.keyField == "":
		return usage(errors.New("--key-field: empty name"))
	case e.given("key-ttl") && !e.given("key") && !e.given("key-field"):
		return usage(errors.New("--key-ttl needs --key or --key-field"))
	}
	return nil
}

// options are those of every task, as far as they were given; what a worker's
// type says stands for the rest.
func (e *enqueueFlags) options() ([]engine.EnqueueOption, error) {
	at, err := e.moment("at", e.at)
	if err != nil {
		return nil, err
	}
	deadline, err := e.moment("deadline", e.deadline)
	if err != nil {
		return nil, err
	}
	opts := []engine.EnqueueOption{engine.Queue(e.queue)}
	for _, o := range []struct {
		flag string
		opt  engine.EnqueueOption
	}{
		{"in", engine.In(e.in)},
		{"at", engine.At(at)},
		{"deadline", engine.Deadline(deadline)},
		{"timeout", engine.Timeout(e.timeout)},
		{"retry", engine.Retry(e.retry)},
		{"key", engine.KeyFor(e.key, e.keyTTL)},
	} {
		if e.given(o.flag) {
			opts = append(opts, o.opt)
		}
	}
	return opts, nil
}

// moment reads a time flag, if it was given.
func (e *enqueueFlags) moment(flag, s string) (time.Time, error) {
	if !e.given(flag) {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, usage(fmt.Errorf("--%s %q: want a time as 2026-12-24T18:00:00Z or 2026-12-24T18:00:00+01:00", flag, s))
	}
	return t, nil
}
