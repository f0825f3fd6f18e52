package streams

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/task"
)

// Redact removes the payload of a task that has ended from everywhere in Redis: its
// births, releases and hand-backs, and the grave of a dead one, which cannot be
// requeued after. The log says who and why at the position that is returned, the
// same one when asked again. Error texts and headers stay.
//
// An entry is removed and what is left of it stored by one script, so no reader
// misses an lsn; asked twice, or stopped between two pages of a long history, it goes
// on where it was. Where trim has taken all that told of the task, each call writes
// an event of its own.
//
// Errors: [task.ErrNotEnded], [task.ErrNotFound].
func (l *Log) Redact(ctx context.Context, id task.ID, by By) (task.Position, error) {
	if err := by.validate(); err != nil {
		return task.Position{}, err
	}
	p, err := l.byID(ctx, id)
	if err != nil {
		return task.Position{}, err
	}
	history, err := l.Reader().History(ctx, id)
	if err != nil {
		return task.Position{}, err
	}
	at, err := p.redact(ctx, id, by, entriesOf(history))
	if err != nil {
		err = fmt.Errorf("redact %s: %w", id, err)
	}
	return at, err
}

// RedactArchived records the redaction of a task of which Redis holds no entry any
// more, for an archive that does.
func (l *Log) RedactArchived(ctx context.Context, id task.ID, by By) (task.Position, error) {
	if err := by.validate(); err != nil {
		return task.Position{}, err
	}
	p, err := l.byID(ctx, id)
	if err != nil {
		return task.Position{}, err
	}
	return p.redact(ctx, id, by, nil)
}

// entriesOf are the addresses of the entries that hold a payload, the oldest first.
func entriesOf(history []task.Event) (at []string) {
	for i := range history {
		if history[i].Type != "" {
			at = append(at, history[i].At.String())
		}
	}
	return at
}

func (p *partition) redact(ctx context.Context, id task.ID, by By, entries []string) (task.Position, error) {
	ks := []string{p.Meta, p.Tasks, p.Events, p.Waiting, p.Graves, p.Redacted, p.Cancels, p.Chunk(id.LSN())}
	for {
		n := min(len(entries), maxItems)
		args := []any{id.String(), id.LSN(), by.Actor, by.Reason}
		for _, at := range entries[:n] {
			args = append(args, at)
		}
		r, err := p.call(ctx, redactScript, ks, args...)
		if err != nil {
			return task.Position{}, err
		}
		if r.word() != "OK" {
			return task.Position{}, task.ErrNotEnded
		}
		if len(entries) == n {
			return task.ParsePosition(r.text(1))
		}
		entries = append(entries[:1:1], entries[n:]...) // the first one leads to the event
	}
}

// remnant is what is left of a redacted entry.
type remnant struct {
	at, event task.Position // event: which tells of the redaction
	fields    wire.Fields
}

// lsnDigits begin a member of r, so that those of one ms are in order.
const lsnDigits = 16

func parseRemnant(member string) (remnant, error) {
	values, err := wire.Split(member[min(len(member), lsnDigits):])
	if err != nil || len(values) < 2 {
		return remnant{}, wire.ErrCorrupt
	}
	at, err := task.ParsePosition(values[0])
	event, wrong := task.ParsePosition(values[1])
	f := make(wire.Fields, len(values)-2)
	for i, v := range values[2:] {
		f[i] = []byte(v)
	}
	return remnant{at, event, f}, errors.Join(err, wrong)
}

// remnantsAsked asks for a page of what was redacted from a ms on.
func (p *partition) remnantsAsked(ctx context.Context, c redis.Cmdable, after task.Position, offset int) *redis.StringSliceCmd {
	return c.ZRangeArgs(ctx, redis.ZRangeArgs{
		Key: p.Redacted, ByScore: true, Start: strconv.FormatInt(after.Ms, 10), Stop: "+inf", Offset: int64(offset), Count: maxItems,
	})
}

// remnants reads a page of what was redacted after a position. Asked is the first
// page; more are read while one ends before the position, in its ms.
func (p *partition) remnants(ctx context.Context, after task.Position, asked []string) (found []remnant, full bool, err error) {
	for offset := 0; ; {
		for _, member := range asked {
			r, err := parseRemnant(member)
			if err != nil {
				return nil, false, err
			}
			if comparePositions(r.at, after) > 0 {
				found = append(found, r)
			}
		}
		offset += len(asked)
		if len(found) > 0 || len(asked) < maxItems {
			return found, len(asked) == maxItems, nil
		}
		if asked, err = p.remnantsAsked(ctx, p.log.db, after, offset).Result(); err != nil {
			return nil, false, mapError(err)
		}
	}
}

// remnant looks for what is left of one entry; nil: it was not redacted.
func (p *partition) remnant(ctx context.Context, at task.Position) (*remnant, error) {
	before := task.Position{Ms: at.Ms, LSN: at.LSN - 1}
	page, err := p.remnantsAsked(ctx, p.log.db, at, 0).Result()
	if err != nil {
		return nil, mapError(err)
	}
	found, _, err := p.remnants(ctx, before, page)
	if err != nil || len(found) == 0 || found[0].at != at {
		return nil, err
	}
	return &found[0], nil
}
