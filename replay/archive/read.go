package archive

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sort"

	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// Events implements [replay.Source]. Payloads that were erased are empty, and so
// are all with [Archive.Bare].
func (a *Archive) Events(ctx context.Context, q task.Queue, n int, after task.Position) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		p := a.part(q, n)
		if p == nil {
			yield(task.Event{}, fmt.Errorf("archive of %s/%d: %w", q, n, task.ErrNotFound))
			return
		}
		var events []task.Event
		for e, err := range p.entries(ctx, max(after.LSN, p.beforeTime(after)), !a.bare) {
			if err != nil {
				yield(task.Event{}, err)
				return
			}
			if after.LSN == 0 && e.At.Ms < after.Ms {
				continue
			}
			events = p.events(events[:0], e)
			for i := range events {
				if !yield(events[i], nil) {
					return
				}
			}
		}
	}
}

// events appends those of an entry.
func (p *partition) events(to []task.Event, e task.Entry) []task.Event {
	first := len(to)
	to = wire.AppendEvents(to, p.segments[0].Number, e.At, e.Fields)
	for i := first; i < len(to); i++ {
		to[i].Queue, to[i].Erased = p.segments[0].Queue, e.Erased
	}
	return to
}

// beforeTime is an lsn before which nothing is as late as a position without one.
func (p *partition) beforeTime(after task.Position) (lsn int64) {
	if after.LSN > 0 {
		return 0
	}
	for _, m := range p.segments {
		if m.To.Ms >= after.Ms {
			for _, f := range m.Frames {
				if f.From.Ms < after.Ms {
					lsn = f.From.LSN - 1
				}
			}
			return lsn
		}
		lsn = m.To.LSN
	}
	return lsn
}

// Bare is the same archive without payloads, which is faster to read.
func (a *Archive) Bare() *Archive {
	b := *a
	b.bare = true
	return &b
}

// entries reads what stands behind an lsn, without what a later life lost. What it
// yields is good until the next.
func (p *partition) entries(ctx context.Context, after int64, payloads bool) iter.Seq2[task.Entry, error] {
	return func(yield func(task.Entry, error) bool) {
		first := sort.Search(len(p.segments), func(i int) bool { return p.segments[i].To.LSN > after })
		for _, m := range p.segments[first:] {
			for e, err := range p.segment(ctx, m, after, payloads) {
				if err != nil {
					yield(task.Entry{}, err)
					return
				}
				if e.At.LSN > after && !p.lost(e.At.LSN) && !yield(e, nil) {
					return
				}
			}
		}
	}
}

// Lost yields what was archived and is not in the log of a later life: the loss
// report of a failover.
func (a *Archive) Lost(ctx context.Context) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		for _, p := range a.all() {
			for _, m := range p.segments {
				if !slices.ContainsFunc(p.cuts, func(c cut) bool { return c.from <= m.To.LSN && m.From.LSN <= c.to }) {
					continue
				}
				for e, err := range p.segment(ctx, m, 0, !a.bare) {
					if err != nil {
						yield(task.Event{}, err)
						return
					}
					if !p.lost(e.At.LSN) {
						continue
					}
					for _, ev := range p.events(nil, e) {
						if !yield(ev, nil) {
							return
						}
					}
				}
			}
		}
	}
}

// Past yields the entries of a partition up to a bound, as they were in Redis. Each
// is good until the next. See [replay.Within] for the bound.
func (a *Archive) Past(ctx context.Context, q task.Queue, n int, bound task.Position) iter.Seq2[task.Entry, error] {
	return func(yield func(task.Entry, error) bool) {
		p := a.part(q, n)
		if p == nil {
			yield(task.Entry{}, fmt.Errorf("archive of %s/%d: %w", q, n, task.ErrNotFound))
			return
		}
		for e, err := range p.entries(ctx, 0, true) {
			if err == nil && !replay.Within(e.At, bound) || !yield(e, err) {
				return
			}
		}
	}
}

// lost reports whether an lsn was cut off by a later life.
func (p *partition) lost(lsn int64) bool {
	for _, c := range p.cuts {
		if c.from <= lsn && lsn <= c.to {
			return true
		}
	}
	return false
}

// segment reads the entries of one segment, from the frame that holds the one
// behind after.
func (p *partition) segment(ctx context.Context, m *Manifest, after int64, payloads bool) iter.Seq2[task.Entry, error] {
	return func(yield func(task.Entry, error) bool) {
		first := max(0, sort.Search(len(m.Frames), func(i int) bool { return m.Frames[i].From.LSN > after })-1)
		p.frames(ctx, m, first, len(m.Frames), payloads, yield)
	}
}

// frame reads one frame, without what stands up to an lsn or was lost.
func (p *partition) frame(ctx context.Context, m *Manifest, i int, after int64, payloads bool, yield func(task.Entry, error) bool) bool {
	return p.frames(ctx, m, i, i+1, payloads, func(e task.Entry, err error) bool {
		if err == nil && (e.At.LSN <= after || p.lost(e.At.LSN)) {
			return true
		}
		return yield(e, err)
	})
}

// frames reads those of a segment from one to before another. It reports whether
// the caller wants more.
func (p *partition) frames(ctx context.Context, m *Manifest, from, to int, payloads bool, yield func(task.Entry, error) bool) bool {
	fail := func(i int, err error) bool {
		yield(task.Entry{}, p.unreadable(m, i, err))
		return false
	}
	b, err := p.bucket.Get(ctx, m.object(), m.Frames[from].Offset, m.end(to-1)-m.Frames[from].Offset)
	if err != nil {
		return fail(from, err)
	}
	var bodies *payloadReader
	if payloads {
		if bodies, err = openPayloads(ctx, p.bucket, m); err != nil {
			return fail(from, err)
		}
	}
	o, records := opener{}, []byte(nil)
	for i := from; i < to; i++ {
		if records, b, err = openFrame(b, records); err != nil {
			return fail(i, err)
		}
		of, err := bodies.frame(i)
		if err != nil {
			return fail(i, fmt.Errorf("payloads: %w", err))
		}
		if !o.each(records, of, func(e task.Entry, err error) bool {
			if err != nil {
				err = p.unreadable(m, i, err)
			}
			return yield(e, err)
		}) {
			return false
		}
	}
	return true
}

// each reads the envelopes of a frame and puts the payloads back.
func (o *opener) each(records []byte, of map[int64]body, yield func(task.Entry, error) bool) bool {
	for len(records) > 0 {
		record, rest, ok := nextRecord(records)
		if !ok {
			yield(task.Entry{}, errFrame)
			return false
		}
		records = rest
		envelope, ok := unchecked(record)
		if !ok {
			yield(task.Entry{}, errFrame)
			return false
		}
		e, err := o.open(envelope)
		if err != nil {
			yield(task.Entry{}, err)
			return false
		}
		if i := payloadOf(e.Fields); i >= 0 {
			body, ok := of[e.At.LSN]
			e.Fields[i], e.Erased = body.payload, of != nil && !ok
		}
		if !yield(e, nil) {
			return false
		}
	}
	return true
}
