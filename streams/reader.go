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
			read, err := p.page(ctx, at, p.decode)
			if err != nil {
				yield(task.Event{}, fmt.Errorf("read %s: %w", p.Queue, err))
				return
			}
			last, ok := read.emit(p.Queue, yield)
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
	erased bool // redacted: what is left of it
	ours   bool // no stranger's
}

// decoder fills a record. The fields are reused for the next one; what they point to
// is not.
type decoder func(*record, wire.Fields)

// pages are one of each stream, and what was redacted in between.
type pages struct {
	lists [3][]record
	end   task.Position // to where all are known
}

// emit yields the events of pages in order.
func (p *pages) emit(q task.Queue, yield func(task.Event, error) bool) (last task.Position, ok bool) {
	for r := range p.merged() {
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

// merged goes through pages in order, up to their end. Entries that a stranger added
// have no lsn of ours, so the order is that of whole positions, which is the order
// of lsn for all others. An entry that was redacted between two reads is in both.
func (p *pages) merged() iter.Seq[*record] {
	return func(yield func(*record) bool) {
		var had task.Position // of the last entry that is ours
		for {
			from := p.least()
			if from == nil {
				return
			}
			r := &(*from)[0]
			*from = (*from)[1:]
			if r.erased && r.at == had {
				continue
			}
			if !p.end.IsZero() && comparePositions(r.at, p.end) > 0 || !yield(r) {
				return
			}
			if r.ours {
				had = r.at
			}
		}
	}
}

// least is the list with the least position; of equal ones the first.
func (p *pages) least() *[]record {
	var from *[]record
	for i := range p.lists {
		if l := &p.lists[i]; len(*l) > 0 && (from == nil || comparePositions((*l)[0].at, (*from)[0].at) < 0) {
			from = l
		}
	}
	return from
}

// bound ends what is known at the last entry of a full page.
func (p *pages) bound(page []record, full bool) {
	if full && (p.end.IsZero() || comparePositions(page[len(page)-1].at, p.end) < 0) {
		p.end = page[len(page)-1].at
	}
}

// page reads a page of each stream, from the floor on and up to where both are
// known: to the clock, or to the end of a full page. The zero position is no bound.
// What was redacted is asked for after them, so that nothing can be in neither.
//
// Below the floor Redis cuts the streams where it likes, each at another place: an
// outcome may be left whose release is gone, or the other way round. What is read
// of it says what never was. The floor is asked for last: a trim in between shows.
func (p *partition) page(ctx context.Context, after task.Position, decode decoder) (*pages, error) {
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
	redacted := p.remnantsAsked(ctx, pipe, after, 0)
	floor := pipe.HMGet(ctx, p.Meta, "floor", "cut")
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, mapError(err)
	}
	ms, _ := clock.Val()[0].(string)
	lsn, _ := clock.Val()[1].(string)
	got := &pages{end: task.Position{Ms: parseInt(ms), LSN: parseInt(lsn)}}
	for i := range raw {
		page, err := records(raw[i].Val(), decode)
		if err != nil {
			return nil, err
		}
		got.bound(page, len(page) == maxItems)
		got.lists[i] = page
	}
	left, full, err := p.remnants(ctx, after, redacted.Val())
	if err != nil {
		return nil, err
	}
	for _, l := range left {
		r := record{at: l.at, erased: true, ours: true}
		decode(&r, l.fields)
		got.lists[2] = append(got.lists[2], r)
	}
	got.bound(got.lists[2], full)
	for _, page := range got.lists {
		hide(page, floor.Val())
	}
	return got, nil
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

// decode reads an entry as events.
func (p *partition) decode(r *record, f wire.Fields) {
	r.events = wire.Events(p.Number, r.at, f)
	for i := range r.events {
		r.events[i].Erased = r.erased
	}
}

// records reads the entries of a reply.
func records(b []byte, decode decoder) ([]record, error) {
	r := resp{b: b}
	if err := r.fail(); err != nil {
		return nil, err
	}
	var out []record
	err := r.entries(make(wire.Fields, 0, 2*len(wire.EventFields)), func(at task.Position, f wire.Fields) {
		out = append(out, record{at: at, ours: len(f) > 0 && string(f[0]) == wire.BirthFields[0]})
		decode(&out[len(out)-1], f)
	})
	return out, err
}
