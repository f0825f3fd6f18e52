package rerun

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// Plan is what a run would do.
type Plan struct {
	Mode    Mode          `json:"mode"`
	Name    string        `json:"name"`
	Pace    string        `json:"pace"`
	Count   int           `json:"count"`    // events, attempts or tasks, as the mode has it
	LeftOut int           `json:"left_out"` // of the same scope
	Bytes   int64         `json:"bytes"`    // of payloads
	Ran     time.Duration `json:"ran_ns"`   // what the attempts took then
	FirstAt time.Time     `json:"first_at,omitzero"`
	LastAt  time.Time     `json:"last_at,omitzero"`
	Takes   time.Duration `json:"takes_ns"` // by the pace; 0: as fast as possible
	Rows    []PlanRow     `json:"rows"`     // in order of queue, type and outcome
}

// PlanRow counts what is alike.
type PlanRow struct {
	Queue task.Queue `json:"queue"`
	Type  task.Type  `json:"type"`
	Kind  task.Kind  `json:"kind"` // the outcome, or what happened
	Count int        `json:"count"`
	Bytes int64      `json:"bytes"`
}

// item is one step of a run.
type item struct {
	PlanRow
	at      time.Time
	ran     time.Duration
	leftOut bool
}

// Plan reads what a run in a mode would, and does nothing. The cursor stays.
func (s *Scope) Plan(ctx context.Context, src replay.Source, m Mode) (*Plan, error) {
	p := &Plan{Mode: m, Name: s.name(), Pace: s.Pace.String()}
	if err := s.validate(); err != nil {
		return p, fmt.Errorf("plan: %w", err)
	}
	rows, pace := map[PlanRow]*PlanRow{}, schedule{Pace: s.Pace}
	for i, err := range s.items(ctx, src, m) {
		switch {
		case err != nil:
			return p, fmt.Errorf("plan: %w", err)
		case i.leftOut:
			p.LeftOut++
			continue
		case s.full(p.Count):
			return p.with(rows), nil
		}
		p.add(&i, rows)
		p.Takes = pace.next(i.at)
	}
	return p.with(rows), nil
}

func (p *Plan) add(i *item, rows map[PlanRow]*PlanRow) {
	if p.Count == 0 || i.at.Before(p.FirstAt) {
		p.FirstAt = i.at
	}
	if i.at.After(p.LastAt) {
		p.LastAt = i.at
	}
	p.Count++
	p.Bytes += i.Bytes
	p.Ran += i.ran
	key := PlanRow{Queue: i.Queue, Type: i.Type, Kind: i.Kind}
	row := rows[key]
	if row == nil {
		row = &PlanRow{Queue: i.Queue, Type: i.Type, Kind: i.Kind}
		rows[key] = row
	}
	row.Count++
	row.Bytes += i.Bytes
}

func (p *Plan) with(rows map[PlanRow]*PlanRow) *Plan {
	p.Rows = make([]PlanRow, 0, len(rows))
	for _, r := range rows {
		p.Rows = append(p.Rows, *r)
	}
	slices.SortFunc(p.Rows, func(a, b PlanRow) int {
		return cmp.Or(cmp.Compare(a.Queue, b.Queue), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Kind, b.Kind))
	})
	return p
}

// items are the steps of a run, in its order.
func (s *Scope) items(ctx context.Context, src replay.Source, m Mode) iter.Seq2[item, error] {
	switch m {
	case ModeObserve:
		return s.events(ctx, src, s.Filter, false)
	case ModeBench:
		return s.events(ctx, src, arrivals(s.Filter), true)
	case ModeShadow, ModeRequeue:
		return s.attempts(ctx, src, m)
	}
	panic("rerun: mode " + string(m))
}

func (s *Scope) events(ctx context.Context, src replay.Source, f replay.Filter, load bool) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		for e, err := range replay.Select(ctx, src, f, maps.Clone(s.Cursor)) {
			i := item{PlanRow: PlanRow{Queue: e.Queue, Type: e.Type, Kind: e.Kind, Bytes: int64(len(e.Payload))}, at: time.UnixMilli(e.At.Ms).UTC()}
			i.leftOut = load && e.Headers[HeaderReplay] != ""
			if !yield(i, err) {
				return
			}
		}
	}
}

func (s *Scope) attempts(ctx context.Context, src replay.Source, m Mode) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		var again lives
		if m == ModeRequeue {
			var err error
			if again, err = readLives(ctx, src, &s.Filter); err != nil {
				yield(item{}, err)
				return
			}
		}
		for r, err := range Read(ctx, src, s.Filter, maps.Clone(s.Cursor)) {
			if m == ModeRequeue && err == nil && !r.Ended() {
				continue
			}
			i := item{PlanRow: PlanRow{Queue: r.Queue, Type: r.Type, Kind: r.Kind, Bytes: int64(len(r.Payload))}, at: r.EndedAt, ran: r.Ran}
			i.leftOut = m == ModeShadow && notRun(&r) != "" || m == ModeRequeue && again.leavesOut(&r)
			if !yield(i, err) {
				return
			}
		}
	}
}
