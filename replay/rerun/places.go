package rerun

import (
	"context"
	"fmt"
	"iter"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// places is a Source that learns, while it is read, which partition of which queue
// an event is of: events tell the partition's number in the registry alone.
type places struct {
	replay.Source
	known map[task.Partition]place
}

// place is one partition.
type place struct {
	queue task.Queue
	n     int // from 0, within the queue
}

// String is the partition's name in cursors.
func (p place) String() string { return fmt.Sprintf("%s/%d", p.queue, p.n) }

func newPlaces(src replay.Source) *places {
	return &places{Source: src, known: map[task.Partition]place{}}
}

// Events is that of the source.
func (s *places) Events(ctx context.Context, q task.Queue, n int, after task.Position) iter.Seq2[task.Event, error] {
	return s.learn(place{q, n}, s.Source.Events(ctx, q, n, after))
}

// About keeps a source a [replay.Index], if it is one.
func (s *places) About(ctx context.Context, q task.Queue, n int, after task.Position, id task.ID) iter.Seq2[task.Event, error] {
	if index, ok := s.Source.(replay.Index); ok {
		return s.learn(place{q, n}, index.About(ctx, q, n, after, id))
	}
	return s.Events(ctx, q, n, after)
}

func (s *places) learn(p place, events iter.Seq2[task.Event, error]) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		for e, err := range events {
			if err == nil {
				s.known[e.Partition] = p
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

var _ replay.Index = (*places)(nil)
