package rerun

import (
	"context"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// Observe feeds the events that are asked for to a function, at their pace, and
// counts them. An error of the function ends it; the event it was about comes
// again to who goes on from the cursor.
func Observe(ctx context.Context, src replay.Source, s Scope, see func(context.Context, *task.Event) error) (n int, err error) {
	if err := s.validate(); err != nil {
		return 0, fmt.Errorf("observe: %w", err)
	}
	known := newPlaces(src)
	reading := s.reading()
	pace := pacer{schedule: schedule{Pace: s.Pace}}
	for e, err := range replay.Select(ctx, known, s.Filter, reading) {
		if err == nil && s.full(n) {
			return n, nil
		}
		if err == nil {
			err = pace.wait(ctx, time.UnixMilli(e.At.Ms))
		}
		if err == nil {
			err = see(ctx, &e)
		}
		if err != nil {
			return n, fmt.Errorf("observe: %w", err)
		}
		n++
		s.done(known.known[e.Partition], replay.Mark{At: e.At, Item: e.Item})
	}
	s.doneAll(reading)
	return n, nil
}

func (s *Scope) done(p place, m replay.Mark) {
	if s.Cursor != nil {
		s.Cursor[p.String()] = m
	}
}

// doneAll is when all that was read is done.
func (s *Scope) doneAll(reading replay.Cursor) {
	for name, mark := range reading {
		if s.Cursor != nil {
			s.Cursor[name] = mark
		}
	}
}
