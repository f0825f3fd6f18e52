package rerun

import (
	"context"
	"time"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// pairs finds to each outcome the delivery that it ended.
//
//  1. An entry that is delivered says all of its task, so that it stands for the
//     births before it. It is forgotten with its outcome.
//  2. What waits is not remembered: its release says all of it again.
//  3. A delivery that was not read, since reading began after it, is looked up by
//     the address that its outcome names.
type pairs struct {
	src  *places
	open map[task.ID]delivery
	near map[task.Position]task.Event // what the last look-up found
	home place                        // where it did
}

type delivery struct {
	task.Event
	handedBack int
}

// nearby is how much a look-up reads on: what was born together ends together.
const nearby = 64

// add takes in one event. It returns the attempt that ended by it, if that is
// asked for.
func (p *pairs) add(ctx context.Context, e *task.Event, f *replay.Filter) (*Recorded, error) {
	switch e.Kind {
	case task.Born, task.Released:
		p.open[e.Task] = delivery{Event: *e}
	case task.HandedBack:
		p.open[e.Task] = delivery{Event: *e, handedBack: p.open[e.Task].handedBack + 1}
	case task.EntryLost:
		p.lose(e)
	case task.OutcomeSuccess, task.OutcomeRetry, task.OutcomeSnooze, task.OutcomeDead, task.OutcomeCancel, task.OutcomeExpire:
		return p.end(ctx, e, f)
	default:
	}
	return nil, nil
}

// lose forgets an entry that vanished; it may be all that the event names.
func (p *pairs) lose(e *task.Event) {
	delete(p.open, e.Task)
	if !e.Task.IsZero() {
		return
	}
	for id, d := range p.open {
		if d.At == e.Prev && d.Partition == e.Partition {
			delete(p.open, id)
		}
	}
}

func (p *pairs) end(ctx context.Context, e *task.Event, f *replay.Filter) (*Recorded, error) {
	d, ok := p.open[e.Task]
	if delete(p.open, e.Task); !ok {
		var err error
		if d.Event, err = p.find(ctx, e); err != nil {
			return nil, err
		}
	}
	known := *e
	known.Type, known.Headers, known.Opts = d.Type, d.Headers, d.Opts
	if !f.Match(&known) {
		return nil, nil
	}
	r := recorded(e, &d)
	r.place = p.src.known[e.Partition]
	return r, nil
}

func recorded(e *task.Event, d *delivery) *Recorded {
	r := &Recorded{
		ID: e.Task, Queue: e.Queue, Type: d.Type, Payload: d.Payload, Headers: d.Headers, Opts: d.Opts,
		Attempt: max(e.Attempt, d.Attempt, 1), BornAt: e.Task.Time().UTC(), EndedAt: time.UnixMilli(e.At.Ms).UTC(),
		Kind: e.Kind, Error: e.Error, Reason: e.Reason, Ran: e.Ran, Result: e.Result, Consumer: e.Consumer,
		HandedBack: d.handedBack, Entry: d.At, At: e.At, item: e.Item,
	}
	if d.DueMs > 0 {
		r.DueAt = time.UnixMilli(d.DueMs).UTC()
	}
	if r.Consumer != "" && r.Kind != task.OutcomeExpire {
		r.StartedAt = r.EndedAt.Add(-r.Ran)
	}
	return r
}

// find looks up the entry that an outcome settled, else the birth of its task.
func (p *pairs) find(ctx context.Context, e *task.Event) (task.Event, error) {
	for _, at := range []task.Position{e.Prev, e.Task.Birth()} {
		found, err := p.look(ctx, p.src.known[e.Partition], at)
		if err != nil || found.Task == e.Task {
			return found, err
		}
	}
	return task.Event{}, nil // trimmed: nobody knows what it was
}

func (p *pairs) look(ctx context.Context, where place, at task.Position) (task.Event, error) {
	if e, ok := p.near[at]; ok && p.home == where {
		return e, nil
	}
	if at.IsZero() {
		return task.Event{}, nil
	}
	p.near, p.home = make(map[task.Position]task.Event, nearby), where
	n := 0
	for e, err := range p.src.Events(ctx, where.queue, where.n, task.Position{Ms: at.Ms, LSN: at.LSN - 1}) {
		if err != nil {
			return task.Event{}, err
		}
		if e.Type != "" {
			p.near[e.At] = e
		}
		if n++; n == nearby || n == 1 && e.At != at {
			break
		}
	}
	return p.near[at], nil
}
