package streams

import (
	"context"
	"fmt"
	"iter"

	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/task"
)

// Reader is the read side of a Log. It changes no task; only where Redis was
// restarted, promoted or flushed and nobody has noticed yet, its first call opens
// the epoch. A [Feed] also registers a cursor and holds a role.
type Reader struct{ log *Log }

// Reader returns the read side.
func (l *Log) Reader() *Reader { return &Reader{log: l} }

// Queues lists the registered queues with the number of their partitions.
func (r *Reader) Queues(ctx context.Context) (map[task.Queue]int, error) { return r.log.Queues(ctx) }

// part returns one partition of a registered queue.
func (r *Reader) part(ctx context.Context, q task.Queue, n int) (*partition, error) {
	ps, err := r.log.partitions(ctx, q, false)
	if err != nil {
		return nil, err
	}
	if n < 0 || n >= len(ps) {
		return nil, fmt.Errorf("partition %d of %s: %w", n, q, task.ErrNotFound)
	}
	return ps[n], nil
}

// Events reads the log of partition n of a queue after a position, in order of
// lsn, until its end. Both streams come merged and packed entries unpacked.
// What a newer version wrote comes as events of kind Unknown.
func (r *Reader) Events(ctx context.Context, q task.Queue, n int, after task.Position) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		p, err := r.part(ctx, q, n)
		if err != nil {
			yield(task.Event{}, err)
			return
		}
		for e, err := range p.scan(ctx, after) {
			if !yield(e, err) {
				return
			}
		}
	}
}

// scan goes through the log in pages.
func (p *partition) scan(ctx context.Context, after task.Position) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		c := newCursor(p, after, p.decode)
		for {
			if err := c.read(ctx); err != nil {
				yield(task.Event{}, fmt.Errorf("read %s: %w", p.Queue, err))
				return
			}
			some := false
			for r := range c.merged() {
				some = true
				for i := range r.events {
					r.events[i].Queue = p.Queue
					if !r.hidden && !yield(r.events[i], nil) {
						return
					}
				}
			}
			if !some {
				return
			}
		}
	}
}

// decode reads an entry as events.
func (p *partition) decode(r *record, f wire.Fields) {
	r.events = wire.Events(p.Number, r.at, f)
	for i := range r.events {
		r.events[i].Erased = r.erased
	}
}
