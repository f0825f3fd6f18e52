package streams

import (
	"context"
	"fmt"
	"iter"

	"github.com/redis/go-redis/v9"

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

// scan pages through both streams. They are read one after the other, so each
// pair of pages ends at the clock that was read before: what was written in
// between may be in one of them and would seem to be missing in the other. (In
// one transaction they would not be read at all when memory is full.)
func (p *partition) scan(ctx context.Context, after task.Position) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		at := after
		for {
			tasks, events, end, err := p.page(ctx, at, p.decoded)
			if err != nil {
				yield(task.Event{}, fmt.Errorf("read %s: %w", p.Queue, err))
				return
			}
			last, ok := emit(tasks, events, end, p.Queue, yield)
			if !ok || last.IsZero() {
				return
			}
			at = last
		}
	}
}

// record is one entry: decoded, or raw.
type record struct {
	at     task.Position
	events []task.Event
	fields wire.Fields
	hidden bool // below the floor
}

// emit yields the events of two pages in order, up to end.
func emit(a, b []record, end task.Position, q task.Queue, yield func(task.Event, error) bool) (last task.Position, ok bool) {
	for r := range merge(a, b, end) {
		last = r.at
		for _, e := range r.events {
			e.Queue = q
			if !r.hidden && !yield(e, nil) {
				return last, false
			}
		}
	}
	return last, true
}

// merge goes through two pages in order, up to end. Entries that a stranger added
// have no lsn of ours, so the order is that of whole positions, which is the order
// of lsn for all others.
func merge(a, b []record, end task.Position) iter.Seq[*record] {
	return func(yield func(*record) bool) {
		for len(a) > 0 || len(b) > 0 {
			from := &a
			if len(a) == 0 || len(b) > 0 && comparePositions(b[0].at, a[0].at) < 0 {
				from = &b
			}
			r := &(*from)[0]
			if !end.IsZero() && comparePositions(r.at, end) > 0 || !yield(r) {
				return
			}
			*from = (*from)[1:]
		}
	}
}

// page reads a page of each stream, from the floor on and up to where both are
// known: to the clock, or to the end of a full page. The zero position is no bound.
//
// Below the floor Redis cuts the streams where it likes, each at another place: an
// outcome may be left whose release is gone, or the other way round. What is read
// of it says what never was. The floor is asked for last: a trim in between shows.
func (p *partition) page(ctx context.Context, after task.Position, read func([]byte) ([]record, error)) (tasks, events []record, end task.Position, err error) {
	from := "-"
	if !after.IsZero() {
		from = "(" + after.String()
	}
	pipe := p.log.db.Pipeline()
	clock := pipe.HMGet(ctx, p.Meta, "ms", "lsn")
	raw := [2]*redis.RawCmd{}
	for i, stream := range []string{p.Tasks, p.Events} {
		raw[i] = redis.NewRawCmd(ctx, "XRANGE", stream, from, "+", "COUNT", maxItems)
		raw[i].SetFirstKeyPos(1)
		_ = pipe.Process(ctx, raw[i])
	}
	floor := pipe.HMGet(ctx, p.Meta, "floor", "cut")
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, nil, end, mapError(err)
	}
	ms, _ := clock.Val()[0].(string)
	lsn, _ := clock.Val()[1].(string)
	end = task.Position{Ms: parseInt(ms), LSN: parseInt(lsn)}
	for i, into := range []*[]record{&tasks, &events} {
		page, err := read(raw[i].Val())
		if err != nil {
			return nil, nil, end, err
		}
		if n := len(page); n == maxItems && (end.IsZero() || comparePositions(page[n-1].at, end) < 0) {
			end = page[n-1].at
		}
		hide(page, floor.Val())
		*into = page
	}
	return tasks, events, end, nil
}

// hide marks what stands below the floor. A cut may be planned
// beyond it; and without a cut, where the meta hash was lost, the floor is no sign
// of one.
func hide(page []record, meta []any) {
	floor, _ := meta[0].(string)
	text, _ := meta[1].(string)
	cut, err := task.ParsePosition(text)
	if err != nil {
		return
	}
	below := parseInt(floor)
	for i := range page {
		page[i].hidden = page[i].at.LSN < below && comparePositions(page[i].at, cut) < 0
	}
}

// decoded reads the entries of a page as events.
func (p *partition) decoded(b []byte) ([]record, error) {
	return records(b, func(r *record, f wire.Fields) { r.events = wire.Events(p.Number, r.at, f) })
}

// records reads the entries of a reply. Fields are reused for the next one; what
// they point to is the reply.
func records(b []byte, fill func(*record, wire.Fields)) ([]record, error) {
	r := resp{b: b}
	if err := r.fail(); err != nil {
		return nil, err
	}
	var out []record
	err := r.entries(make(wire.Fields, 0, 2*len(wire.EventFields)), func(at task.Position, f wire.Fields) {
		out = append(out, record{at: at})
		fill(&out[len(out)-1], f)
	})
	return out, err
}
