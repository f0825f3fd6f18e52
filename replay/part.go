package replay

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"

	"github.com/tidemill/tidemill/task"
)

// part is one partition of a source.
type part struct {
	src   Source
	queue task.Queue
	n     int // from 0, within the queue
}

func (p part) name() string { return fmt.Sprintf("%s/%d", p.queue, p.n) }

// parts lists the partitions of some queues, of all if none is named, in order
// of their names. Errors: [task.ErrNotFound].
func parts(ctx context.Context, src Source, queues ...task.Queue) ([]part, error) {
	known, err := src.Queues(ctx)
	if err != nil {
		return nil, err
	}
	if len(queues) == 0 {
		queues = slices.Collect(maps.Keys(known))
	}
	queues = slices.Clone(queues)
	slices.Sort(queues)
	var all []part
	for _, q := range slices.Compact(queues) {
		if _, ok := known[q]; !ok {
			return nil, fmt.Errorf("queue %s: %w", q, task.ErrNotFound)
		}
		for i := range known[q] {
			all = append(all, part{src: src, queue: q, n: i})
		}
	}
	return all, nil
}

// events reads on after a position. Every event knows its queue.
func (p part) events(ctx context.Context, after task.Position) iter.Seq2[task.Event, error] {
	return p.owned(p.src.Events(ctx, p.queue, p.n, after))
}

// owned names the queue in events and the partition in errors.
func (p part) owned(events iter.Seq2[task.Event, error]) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		for e, err := range events {
			if err != nil {
				yield(task.Event{}, fmt.Errorf("read %s: %w", p.name(), err))
				return
			}
			if e.Queue = p.queue; !yield(e, nil) {
				return
			}
		}
	}
}

// peek reads the first event after a position, if there is one.
func (p part) peek(ctx context.Context, after task.Position) (task.Event, bool, error) {
	for e, err := range p.events(ctx, after) {
		return e, err == nil, err
	}
	return task.Event{}, false, nil
}

// span finds the ends of a partition's history. The last event is looked for in
// leaps, which takes some dozen short reads instead of a long one.
func (p part) span(ctx context.Context) (s Span, ok bool, err error) {
	first, ok, err := p.peek(ctx, task.Position{})
	if err != nil || !ok {
		return s, false, err
	}
	from, err := p.leap(ctx, first.At.Ms)
	if err != nil {
		return s, false, err
	}
	s = Span{First: first.At, Last: first.At}
	for e, err := range p.events(ctx, task.Position{Ms: from}) {
		if err != nil {
			return s, false, err
		}
		s.Last = e.At
	}
	return s, true, nil
}

// leap finds a millisecond shortly before the last event, from one that has events.
// A source that goes by lsn and does not know where a time is is read from the start.
func (p part) leap(ctx context.Context, lo int64) (int64, error) {
	hi, step := int64(math.MaxInt64), int64(1000)
	for hi-lo > 1 { // there are events at lo and none after hi
		mid := lo + step
		if hi != math.MaxInt64 {
			mid = lo + (hi-lo)/2
		}
		e, more, err := p.peek(ctx, task.Position{Ms: mid + 1})
		switch {
		case err != nil:
			return 0, err
		case more && e.At.Ms <= mid:
			return 0, nil
		case more:
			lo, step = e.At.Ms, 2*step
		default:
			hi = mid
		}
	}
	return lo, nil
}

// before is a position after which at is the first that there may be, by time and
// by lsn.
func before(at task.Position) task.Position { return task.Position{Ms: at.Ms, LSN: max(at.LSN-1, 0)} }

// later is the later one of two positions of a partition.
func later(a, b task.Position) task.Position {
	if cmp.Or(cmp.Compare(a.Ms, b.Ms), cmp.Compare(a.LSN, b.LSN)) < 0 {
		return b
	}
	return a
}
