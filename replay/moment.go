package replay

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/tidemill/tidemill/task"
)

// Moment is a point of a history: a time, an lsn, or the latest there is if it is
// neither. Of two events of one millisecond a time takes both.
type Moment struct {
	Time      time.Time  // after every event up to then
	LSN       int64      // instead of Time: after the entry of this number, of one partition
	Queue     task.Queue // this queue alone; empty: all
	Partition int        // with LSN: of the queue's partitions, counted from 0
}

func (m Moment) String() string {
	switch {
	case m.LSN != 0:
		return fmt.Sprintf("lsn %d", m.LSN)
	case m.Time.IsZero():
		return "the latest moment"
	}
	return stamp(m.Time.UnixMilli())
}

// bound is the moment for [Within].
func (m Moment) bound() task.Position {
	b := task.Position{Ms: math.MaxInt64, LSN: math.MaxInt64}
	switch {
	case m.LSN != 0:
		b.LSN = m.LSN
	case !m.Time.IsZero():
		b.Ms = m.Time.UnixMilli()
	}
	return b
}

// parts are the partitions that the moment is about: with an lsn, one.
func (m Moment) parts(ctx context.Context, src Source) ([]part, error) {
	if m.LSN != 0 && !m.Time.IsZero() {
		return nil, fmt.Errorf("%w: a moment is a time or an lsn, not both", task.ErrInvalidOption)
	}
	var queues []task.Queue
	if m.Queue != "" {
		queues = append(queues, m.Queue)
	}
	ps, err := parts(ctx, src, queues...)
	if err != nil || m.LSN == 0 {
		return ps, err
	}
	for _, p := range ps {
		if p.queue != ps[0].queue {
			return nil, fmt.Errorf("%w: lsn %d is one of each queue: name the queue", task.ErrInvalidOption, m.LSN)
		}
	}
	if m.Partition < 0 || m.Partition >= len(ps) {
		return nil, fmt.Errorf("partition %d of %s: %w", m.Partition, m.Queue, task.ErrNotFound)
	}
	return ps[m.Partition : m.Partition+1], nil
}

// outside tells what there is instead of the moment.
func (m Moment) outside(ctx context.Context, ps []part) error {
	e := &OutsideError{Moment: m, Spans: map[string]Span{}}
	for _, p := range ps {
		s, ok, err := p.span(ctx)
		if err != nil {
			return err
		}
		if ok {
			e.Spans[p.name()] = s
		}
	}
	return e
}
