package rerun

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// Load makes the recorded arrivals a load: for each task that was born, one of the
// same type and size is enqueued, delayed as it was. Its payload is random bytes,
// which handlers of the type may well refuse: send it to a queue of its own, where
// a handler for the test works. Tasks that a replay made are left out.
type Load struct {
	Scope              // Limit counts tasks
	To      Enqueuer   // required
	Into    task.Queue // where the tasks go, required
	Payload bool       // send the recorded payloads
}

// Run returns what was done, also with an error.
func (l *Load) Run(ctx context.Context, src replay.Source) (Tally, error) {
	if l.To == nil || l.Into == "" {
		return Tally{}, fmt.Errorf("bench: %w: nothing to enqueue to", task.ErrInvalidOption)
	}
	if err := l.validate(); err != nil {
		return Tally{}, fmt.Errorf("bench: %w", err)
	}
	s, known := newSender(&l.Scope, l.To), newPlaces(src)
	for e, err := range replay.Select(ctx, known, arrivals(l.Filter), s.reading) {
		if err == nil && s.full() {
			return s.stop(ctx, "bench", false, nil)
		}
		if err == nil && e.Headers[HeaderReplay] != "" {
			s.tally.LeftOut++
			continue
		}
		if err == nil {
			err = s.add(ctx, l.birth(&e), time.UnixMilli(e.At.Ms), known.known[e.Partition], replay.Mark{At: e.At, Item: e.Item})
		}
		if err != nil {
			return s.stop(ctx, "bench", false, err)
		}
	}
	return s.stop(ctx, "bench", true, nil)
}

// arrivals are the births among what is asked for.
func arrivals(f replay.Filter) replay.Filter {
	f.Kinds = []task.Kind{task.Born, task.Scheduled}
	return f
}

func (l *Load) birth(e *task.Event) task.Birth {
	b := task.Birth{
		Type: e.Type, Queue: l.Into, Payload: e.Payload, Headers: map[string]string{HeaderReplay: l.name()},
		Opts: task.Opts{Retries: e.Opts.Retries, Timeout: e.Opts.Timeout},
	}
	if e.Kind == task.Scheduled {
		b.In = max(time.Duration(e.DueMs-e.At.Ms)*time.Millisecond, 0)
		if l.Pace.Speed > 0 {
			b.In = time.Duration(float64(b.In) / l.Pace.Speed)
		}
	}
	if !l.Payload {
		b.Payload = make([]byte, len(e.Payload))
		rand.Read(b.Payload)
	}
	return b
}
