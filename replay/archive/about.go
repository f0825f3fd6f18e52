package archive

import (
	"context"
	"fmt"
	"iter"

	"github.com/tidemill/tidemill/task"
)

// locate finds the partition that an id names.
func (a *Archive) locate(id task.ID) (task.Queue, *partition, error) {
	for q, ps := range a.parts {
		for _, p := range ps {
			if len(p.segments) > 0 && p.segments[0].Number == id.Partition() {
				return q, p, nil
			}
		}
	}
	return "", nil, fmt.Errorf("task %s: no such partition in the archive: %w", id, task.ErrNotFound)
}

// About implements [replay.Index]: it yields the events that name a task, and those
// that name no task but an entry of it. Segments that speak of neither are passed
// over.
func (a *Archive) About(ctx context.Context, q task.Queue, n int, after task.Position, id task.ID) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		p := a.part(q, n)
		if p == nil {
			yield(task.Event{}, fmt.Errorf("archive of %s/%d: %w", q, n, task.ErrNotFound))
			return
		}
		entries := map[task.Position]bool{}
		for e, err := range p.about(ctx, id, entries, !a.bare) {
			if err != nil {
				yield(task.Event{}, err)
				return
			}
			for _, ev := range p.events(nil, e) {
				if concerns(&ev, id, entries) && ev.At.LSN > after.LSN && !yield(ev, nil) {
					return
				}
			}
		}
	}
}

// concerns reports whether an event names a task or an entry of it, and remembers
// its entries.
func concerns(e *task.Event, id task.ID, entries map[task.Position]bool) bool {
	if e.Task == id && e.Type != "" {
		entries[e.At] = true
	}
	return e.Task == id || e.Task.IsZero() && entries[e.Prev]
}

// about reads the frames that may speak of a task or of its entries, which the
// caller adds as it finds them.
func (p *partition) about(ctx context.Context, id task.ID, entries map[task.Position]bool, payloads bool) iter.Seq2[task.Entry, error] {
	return func(yield func(task.Entry, error) bool) {
		for _, m := range p.segments {
			if m.To.LSN < id.LSN() {
				continue
			}
			filters, err := p.bucket.Get(ctx, m.object(), m.Bloom[0], m.Bloom[1])
			if err != nil {
				yield(task.Entry{}, err)
				return
			}
			for i := range m.Frames {
				if int64(len(filters)) < m.Frames[i].Filter {
					yield(task.Entry{}, fmt.Errorf("%s: %w", m.place(), errFrame))
					return
				}
				filter := bloom(filters[:m.Frames[i].Filter])
				filters = filters[m.Frames[i].Filter:]
				if !filter.speaks(id, entries) || payloads && !p.mentions(ctx, m, i, id, entries) {
					continue
				}
				if !p.frame(ctx, m, i, id.LSN()-1, payloads, yield) {
					return
				}
			}
		}
	}
}

// mentions looks into a frame whose payloads are not worth reading if its filter was
// wrong. Of one that cannot be read it says yes: the caller will find out.
func (p *partition) mentions(ctx context.Context, m *Manifest, i int, id task.ID, entries map[task.Position]bool) (yes bool) {
	p.frame(ctx, m, i, id.LSN()-1, false, func(e task.Entry, err error) bool {
		if err != nil {
			yes = true
			return false
		}
		for _, ev := range p.events(nil, e) {
			yes = yes || ev.Task == id || ev.Task.IsZero() && entries[ev.Prev]
		}
		return !yes
	})
	return yes
}

// speaks reports whether a frame may hold something about a task or its entries.
func (b bloom) speaks(id task.ID, entries map[task.Position]bool) bool {
	if b.has(keyOf(id)) {
		return true
	}
	for at := range entries {
		if b.has(entryKey(at)) {
			return true
		}
	}
	return false
}
