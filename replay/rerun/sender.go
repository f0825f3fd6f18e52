package rerun

import (
	"context"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// sender enqueues births at a pace: what is due at once goes together. The cursor
// moves when a batch is in.
type sender struct {
	scope   *Scope
	to      Enqueuer
	pace    pacer
	reading replay.Cursor
	begun   time.Time
	n       int // births, those that wait included

	births []task.Birth
	marks  []struct {
		place
		replay.Mark
	}
	tally Tally
}

func newSender(s *Scope, to Enqueuer) *sender {
	return &sender{scope: s, to: to, pace: pacer{schedule: schedule{Pace: s.Pace}}, reading: s.reading(), begun: time.Now()}
}

func (s *sender) full() bool { return s.scope.full(s.n) }

// add enqueues a birth that is due by a recorded time. Nobody before it waits for it.
func (s *sender) add(ctx context.Context, b task.Birth, at time.Time, p place, m replay.Mark) error {
	if due := s.pace.due(at); time.Until(due) > 0 || len(s.births) == requeueBatch {
		if err := s.flush(ctx); err != nil {
			return err
		}
		if err := sleep(ctx, due); err != nil {
			return err
		}
	}
	s.n++
	s.births = append(s.births, b)
	s.marks = append(s.marks, struct {
		place
		replay.Mark
	}{p, m})
	return context.Cause(ctx)
}

func (s *sender) flush(ctx context.Context) error {
	if len(s.births) == 0 {
		return nil
	}
	in, err := s.to.Enqueue(ctx, s.births)
	for i, t := range in[:min(len(in), len(s.births))] {
		if t.Existing {
			s.tally.Existing++
		} else {
			s.tally.Enqueued++
			s.tally.Bytes += int64(len(s.births[i].Payload))
		}
		s.scope.done(s.marks[i].place, s.marks[i].Mark)
	}
	s.births, s.marks = s.births[:0], s.marks[:0]
	return err
}

// stop ends a run. What is gathered still goes out, unless enqueueing is what failed.
func (s *sender) stop(ctx context.Context, what string, whole bool, err error) (Tally, error) {
	if err == nil {
		err = s.flush(ctx)
	}
	if err == nil && whole {
		s.scope.doneAll(s.reading)
	}
	s.tally.Late, s.tally.Took = s.pace.late, time.Since(s.begun)
	if err != nil {
		return s.tally, fmt.Errorf("%s: %w", what, err)
	}
	return s.tally, nil
}
