package streams

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/task"
)

// near is how far apart in the log the first event of a task may be from its end,
// or from that of the log, for everything in between to be read.
const near = 20_000

// History returns the events of one task in order. Outcomes and releases are
// found by following their chain; reclaims, cancel requests and late outcomes,
// which stand beside it, by reading what lies between, which is left out when
// that is long and nothing hints at them. Errors: [task.ErrNotFound].
func (r *Reader) History(ctx context.Context, id task.ID) ([]task.Event, error) {
	p, err := r.log.byID(ctx, id)
	if err != nil {
		return nil, err
	}
	s, err := p.stand(ctx, id)
	if err != nil {
		return nil, err
	}
	if id.LSN() < s.floor {
		_, events, err := p.remains(ctx, id)
		if err != nil {
			err = fmt.Errorf("history %s: %w", id, err)
		}
		return events, err
	}
	chain, err := p.chain(ctx, id, s)
	if err != nil {
		return nil, fmt.Errorf("history %s: %w", id, err)
	}
	if len(chain) == 0 {
		return nil, fmt.Errorf("task %s: %w", id, task.ErrNotFound)
	}
	if s.hints(chain) {
		beside, err := p.beside(ctx, id, chain, s.slot.State.Terminal())
		if err != nil {
			return nil, fmt.Errorf("history %s: %w", id, err)
		}
		chain = append(chain, beside...)
	}
	if known := func(e task.Event) bool { return e.Kind == task.Redacted }; !s.redacted.IsZero() && !slices.ContainsFunc(chain, known) {
		e, err := p.at(ctx, s.redacted, id)
		if err != nil {
			return nil, fmt.Errorf("history %s: %w", id, err)
		}
		if e != nil {
			chain = append(chain, *e)
		}
	}
	slices.SortFunc(chain, func(a, b task.Event) int { return cmp.Compare(a.At.LSN, b.At.LSN) })
	return chain, nil
}

// chain follows prev from the latest event to the birth.
func (p *partition) chain(ctx context.Context, id task.ID, s *standing) ([]task.Event, error) {
	var chain []task.Event
	at := task.Position{}
	if s.latest != nil {
		chain, at = append(chain, *s.latest), s.latest.Prev
	}
	for !at.IsZero() && at != id.Birth() && at.LSN >= s.floor {
		e, err := p.at(ctx, at, id)
		if err != nil || e == nil {
			return chain, err
		}
		chain, at = append(chain, *e), e.Prev
	}
	if s.birth != nil {
		chain = append(chain, *s.birth)
	}
	return chain, nil
}

// at reads the event of a task in the entry at a position, of either stream.
func (p *partition) at(ctx context.Context, at task.Position, id task.ID) (*task.Event, error) {
	pipe := p.log.db.Pipeline()
	raw := [2]*redis.RawCmd{}
	for i, stream := range []string{p.Tasks, p.Events} {
		raw[i] = redis.NewRawCmd(ctx, "XRANGE", stream, at.String(), at.String())
		_ = pipe.Process(ctx, raw[i])
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, mapError(err)
	}
	var found *task.Event
	for _, cmd := range raw {
		r := resp{b: cmd.Val()}
		err := r.entries(make(wire.Fields, 0, 32), func(at task.Position, f wire.Fields) {
			for _, e := range wire.Events(p.Number, at, f) {
				if e.Task == id {
					found = &e
				}
			}
		})
		if err != nil {
			return nil, err
		}
	}
	if found == nil {
		found, _, err := p.redacted(ctx, at, id)
		return found, err
	}
	return found, nil
}

// redacted reads what is left of an entry of a task, and the event that tells why.
func (p *partition) redacted(ctx context.Context, at task.Position, id task.ID) (left *task.Event, event task.Position, err error) {
	r, err := p.remnant(ctx, at)
	if err != nil || r == nil {
		return nil, event, err
	}
	for _, e := range wire.Events(p.Number, at, r.fields) {
		if e.Erased = true; e.Task == id {
			left = &e
		}
	}
	return left, r.event, nil
}

// hints reports whether it is worth reading what lies between.
func (s *standing) hints(chain []task.Event) bool {
	last, first := s.lsn, chain[len(chain)-1].At.LSN
	if s.slot.State.Terminal() {
		last = chain[0].At.LSN
	}
	if last-first < near || s.marked || s.count > 1 {
		return true
	}
	for _, e := range chain {
		if e.Crashes+e.Opts.Crashes > 0 || e.Kind == task.OutcomeCancel && e.Actor == "" {
			return true
		}
	}
	return false
}

// beside reads the events that no chain leads to: those that change no state,
// and what stands before a purge. They end with the task, but for late outcomes,
// which are looked for a little longer.
func (p *partition) beside(ctx context.Context, id task.ID, chain []task.Event, ended bool) ([]task.Event, error) {
	var found []task.Event
	known := func(at task.Position) bool {
		is := func(e task.Event) bool { return e.At == at }
		return slices.ContainsFunc(chain, is) || slices.ContainsFunc(found, is)
	}
	end := chain[0].At.LSN + near
	for e, err := range p.scan(ctx, id.Birth()) {
		if err != nil {
			return nil, err
		}
		if ended && e.At.LSN > end {
			break
		}
		switch {
		case e.Task == id && !known(e.At):
			found = append(found, e)
		case e.Task.IsZero() && (e.Kind == task.Reclaimed || e.Kind == task.EntryLost) && known(e.Prev):
			e.Task = id
			found = append(found, e)
		}
	}
	return found, nil
}
