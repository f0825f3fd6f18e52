package streams

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/task"
)

// Feed is the log of one partition as an archiver reads it: entries as they are,
// a place from which on trim spares them, and a soft lease.
//
// It keeps what it has read of one stream beyond the other; not safe for concurrent
// use.
type Feed struct {
	part *partition
	read *cursor // stands where the last page ended; nil: anew
}

// Feed opens partition n of a queue.
func (r *Reader) Feed(ctx context.Context, q task.Queue, n int) (*Feed, error) {
	p, err := r.part(ctx, q, n)
	return &Feed{part: p}, err
}

// Number is the partition's number in the registry, which its task ids hold.
func (f *Feed) Number() task.Partition { return f.part.Number }

// Page reads entries after a position, in order. Entries of strangers are among
// them; entries below the floor are not.
//
// A promotion may put the clock of the log back a little: whoever sees another
// life than before reads from the zero position and passes over what it has.
func (f *Feed) Page(ctx context.Context, after task.Position) (task.Page, error) {
	p, c := f.part, f.read
	if c == nil || c.after != after {
		c = newCursor(p, after, keepFields())
	}
	f.read = nil
	err := c.read(ctx)
	if err == nil && c.token == "" {
		err = redis.Nil // it has not begun, or was flushed
	}
	if err != nil {
		return task.Page{}, fmt.Errorf("feed of %s: %w", p.Queue, err)
	}
	var entries []task.Entry
	for r := range c.merged() {
		if !r.hidden {
			entries = append(entries, task.Entry{At: r.at, Fields: r.fields, Erased: r.erased})
		}
	}
	if c.more() || c.kept() { // else nothing is in hand, and what was is let go of
		f.read = c
	}
	return task.Page{Entries: entries, Next: c.after, Life: c.token, More: c.more()}, nil
}

// fieldsAtOnce are made room for.
const fieldsAtOnce = 1 << 12

// keepFields makes a decoder that keeps an entry as it is.
func keepFields() decoder {
	var room wire.Fields
	return func(r *record, f wire.Fields) {
		if cap(room)-len(room) < len(f) {
			room = make(wire.Fields, 0, max(fieldsAtOnce, len(f)))
		}
		from := len(room)
		room = append(room, f...)
		r.fields = room[from:len(room):len(room)]
	}
}

// Spare registers a cursor: trim removes nothing from at on. [Log.ForgetArchive] takes
// that of an archive away.
func (f *Feed) Spare(ctx context.Context, cursor string, at task.Position) error {
	p := f.part
	if err := p.log.db.HSet(ctx, p.Cursors, cursor, at.String()).Err(); err != nil {
		return fmt.Errorf("spare %s for %s: %w", p.Queue, cursor, mapError(err))
	}
	return nil
}

// Hold takes or renews a role for a while, as [Waiting.Hold] does.
func (f *Feed) Hold(ctx context.Context, role, who string, ttl time.Duration) (bool, error) {
	return f.part.hold(ctx, role, who, ttl)
}

// Behind tells of each registered cursor of a queue the time of the first entry
// that it holds back from trim: the zero time where there is none.
func (r *Reader) Behind(ctx context.Context, q task.Queue) (map[string]time.Time, error) {
	ps, err := r.log.partitions(ctx, q, false)
	if err != nil {
		return nil, err
	}
	behind := map[string]time.Time{}
	for _, p := range ps {
		cursors, err := p.log.db.HGetAll(ctx, p.Cursors).Result()
		if err != nil {
			return nil, fmt.Errorf("cursors of %s: %w", q, mapError(err))
		}
		for name, text := range cursors {
			at, err := task.ParsePosition(text)
			if err != nil {
				return nil, fmt.Errorf("cursor %s of %s: %w", name, q, err)
			}
			since, err := p.since(ctx, task.Position{Ms: at.Ms, LSN: max(at.LSN-1, 0)})
			if err != nil {
				return nil, err
			}
			if had, ok := behind[name]; !ok || had.IsZero() || !since.IsZero() && since.Before(had) {
				behind[name] = since
			}
		}
	}
	return behind, nil
}

// since is the time of the first entry after a position.
func (p *partition) since(ctx context.Context, after task.Position) (time.Time, error) {
	for e, err := range p.scan(ctx, after) {
		if err != nil {
			return time.Time{}, err
		}
		return time.UnixMilli(e.At.Ms), nil
	}
	return time.Time{}, nil
}
