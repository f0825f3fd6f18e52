package streams

import (
	"context"
	"fmt"
	"iter"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/task"
)

// Reader is the read side of a Log: it never writes.
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

// scan pages through both streams. A page of each is read in one transaction:
// read one after the other, an entry written in between would seem missing.
func (p *partition) scan(ctx context.Context, after task.Position) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		at := after
		for {
			tasks, events, err := p.page(ctx, at)
			if err != nil {
				yield(task.Event{}, fmt.Errorf("read %s: %w", p.Queue, err))
				return
			}
			last, ok := emit(tasks, events, p.Queue, yield)
			if !ok || last.IsZero() {
				return
			}
			at = last
		}
	}
}

// record is one entry, decoded.
type record struct {
	at     task.Position
	events []task.Event
}

// emit yields two pages in order of lsn, up to where the shorter knowledge of
// the two ends.
func emit(a, b []record, q task.Queue, yield func(task.Event, error) bool) (last task.Position, ok bool) {
	end := int64(1<<63 - 1)
	for _, page := range [][]record{a, b} {
		if len(page) == maxItems {
			end = min(end, page[len(page)-1].at.LSN)
		}
	}
	for len(a) > 0 || len(b) > 0 {
		from := &a
		if len(a) == 0 || len(b) > 0 && b[0].at.LSN < a[0].at.LSN {
			from = &b
		}
		r := (*from)[0]
		if r.at.LSN > end {
			return last, true
		}
		*from = (*from)[1:]
		last = r.at
		for _, e := range r.events {
			e.Queue = q
			if !yield(e, nil) {
				return last, false
			}
		}
	}
	return last, true
}

func (p *partition) page(ctx context.Context, after task.Position) (tasks, events []record, err error) {
	from := "-"
	if !after.IsZero() {
		from = "(" + after.String()
	}
	tx := p.log.db.TxPipeline()
	raw := [2]*redis.RawCmd{}
	for i, stream := range []string{p.Tasks, p.Events} {
		raw[i] = redis.NewRawCmd(ctx, "XRANGE", stream, from, "+", "COUNT", maxItems)
		_ = tx.Process(ctx, raw[i])
	}
	if _, err := tx.Exec(ctx); err != nil {
		return nil, nil, mapError(err)
	}
	if tasks, err = p.records(raw[0].Val()); err != nil {
		return nil, nil, err
	}
	events, err = p.records(raw[1].Val())
	return tasks, events, err
}

func (p *partition) records(b []byte) ([]record, error) {
	r := resp{b: b}
	if err := r.fail(); err != nil {
		return nil, err
	}
	var out []record
	err := r.entries(make(wire.Fields, 0, 2*len(wire.EventFields)), func(at task.Position, f wire.Fields) {
		out = append(out, record{at: at, events: wire.Events(p.Number, at, f)})
	})
	return out, err
}
