package replay

import (
	"context"
	"fmt"

	"github.com/tidemill/tidemill/task"
)

// At is the state at a moment: the fold of every partition up to it. It keeps
// what was open and dead, not what had ended. Errors: [ErrOutside] before the
// first and after the last event, and where a trim took what the moment needs;
// [task.ErrNotFound] for a queue that is not there.
func At(ctx context.Context, src Source, m Moment) (*State, error) {
	ps, err := m.parts(ctx, src)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	s := &State{moment: m, parts: ps, AsOf: map[string]int64{}, Queues: []QueueState{}}
	r := reach{moment: m}
	for _, p := range ps {
		v, err := p.at(ctx, m.bound())
		if err != nil {
			return nil, fmt.Errorf("state: %w", err)
		}
		r.add(v)
		s.add(p, v.fold)
	}
	if !r.inside() {
		return nil, fmt.Errorf("state: %w", m.outside(ctx, ps))
	}
	return s, nil
}

// view is one partition at a moment.
type view struct {
	fold    *task.Fold
	beyond  bool // there are later events
	trimmed bool // what was before the first event is not there
}

func (p part) at(ctx context.Context, bound task.Position) (view, error) {
	f, err := p.fold(ctx, bound)
	if err != nil {
		return view{}, fmt.Errorf("read %s: %w", p.name(), err)
	}
	v := view{fold: f, trimmed: f.Partial}
	f.Forget, f.Dropped = true, nil
	for e, err := range p.events(ctx, f.Last) {
		if err != nil {
			return v, err
		}
		if f.LastLSN == 0 && e.At.LSN > 1 {
			v.trimmed, f.Partial = true, true
		}
		if v.beyond = !Within(e.At, bound); v.beyond {
			break
		}
		f.Add(&e)
	}
	return v, nil
}

// reach gathers whether a moment is in the history.
type reach struct {
	moment  Moment
	beyond  bool          // some partition goes on after it
	unknown bool          // some partition begins after it, by a trim
	last    task.Position // the latest time and the highest lsn up to it
}

func (r *reach) add(v view) {
	r.beyond = r.beyond || v.beyond
	r.unknown = r.unknown || v.fold.LastLSN == 0 && v.beyond && v.trimmed
	r.last.Ms, r.last.LSN = max(r.last.Ms, v.fold.Last.Ms), max(r.last.LSN, v.fold.LastLSN)
}

func (r *reach) inside() bool {
	switch m := r.moment; {
	case m.LSN == 0 && m.Time.IsZero():
		return true
	case r.unknown || r.last.LSN == 0:
		return false
	case m.LSN != 0:
		return r.beyond || r.last.LSN >= m.LSN
	default:
		return r.beyond || r.last.Ms >= m.Time.UnixMilli()
	}
}
