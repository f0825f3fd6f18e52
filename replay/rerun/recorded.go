package rerun

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// Recorded is one attempt as the history has it. A delivery that was handed back
// or taken over is no attempt of its own: it goes on with the next.
type Recorded struct {
	ID      task.ID
	Queue   task.Queue
	Type    task.Type
	Payload []byte
	Headers map[string]string
	Opts    task.Opts
	Attempt int // 1 for the first

	BornAt    time.Time
	DueAt     time.Time // of what had waited
	StartedAt time.Time // by the clock of Redis and what the node measured; zero if it never started
	EndedAt   time.Time

	Kind       task.Kind // the outcome
	Error      string
	Reason     string
	Ran        time.Duration
	Result     task.Digest // of what a success reported
	Consumer   string      // who settled it; empty: nobody had it
	HandedBack int         // how often it was handed back before, as far as it was read

	Entry task.Position // what was delivered
	At    task.Position // of the outcome
	item  int
	place place
}

// Key is the idempotency key of the task.
func (r *Recorded) Key() string { return r.Opts.Key }

// Ended reports whether the task ended with this attempt.
func (r *Recorded) Ended() bool { return r.Kind != task.OutcomeRetry && r.Kind != task.OutcomeSnooze }

func (r *Recorded) mark() replay.Mark { return replay.Mark{At: r.At, Item: r.item} }

// Read yields the attempts whose outcomes a filter asks for, each once, in the
// order in which they ended. It goes on where the cursor stands and moves it along,
// as [replay.Select] does, with the same errors. Attempts without an outcome yet
// are left out.
func Read(ctx context.Context, src replay.Source, f replay.Filter, from replay.Cursor) iter.Seq2[Recorded, error] {
	return func(yield func(Recorded, error) bool) {
		if err := f.Validate(); err != nil {
			yield(Recorded{}, fmt.Errorf("read attempts: %w", err))
			return
		}
		known := newPlaces(src)
		p := pairs{src: known, open: map[task.ID]delivery{}}
		for e, err := range replay.Select(ctx, known, around(&f), from) {
			var r *Recorded
			if err == nil {
				r, err = p.add(ctx, &e, &f)
			}
			if err != nil {
				yield(Recorded{}, fmt.Errorf("read attempts: %w", err))
				return
			}
			if r != nil && !yield(*r, nil) {
				return
			}
		}
	}
}

// around is the filter for what attempts are made of: the same place and time, of
// which the outcomes alone are asked for the rest.
func around(f *replay.Filter) replay.Filter {
	wide := replay.Filter{From: f.From, To: f.To, FromLSN: f.FromLSN, ToLSN: f.ToLSN, Queues: f.Queues}
	if len(f.IDs) == 1 {
		wide.IDs = f.IDs
	}
	return wide
}
