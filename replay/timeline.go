package replay

import (
	"context"
	"fmt"
	"math"

	"github.com/tidemill/tidemill/task"
)

// Timeline returns the events of one task in order, from its birth on: also the
// reclaims and losses that name an entry of it alone, cancel requests, and late
// outcomes. It reads nothing before the birth, but on to the end of the history,
// unless the source is an [Index]. Errors: [task.ErrNotFound].
func Timeline(ctx context.Context, src Source, id task.ID) ([]task.Event, error) {
	ps, err := parts(ctx, src)
	if err != nil {
		return nil, fmt.Errorf("timeline of %s: %w", id, err)
	}
	events, err := timeline(ctx, ps, id, task.Position{Ms: math.MaxInt64, LSN: math.MaxInt64})
	if err != nil {
		return nil, fmt.Errorf("timeline of %s: %w", id, err)
	}
	return events, nil
}

func timeline(ctx context.Context, ps []part, id task.ID, bound task.Position) ([]task.Event, error) {
	p, ok, err := home(ctx, ps, id)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, task.ErrNotFound
	}
	var events []task.Event
	own := map[task.Position]bool{} // its entries
	for e, err := range p.about(ctx, before(id.Birth()), id) {
		if err != nil {
			return nil, err
		}
		if !Within(e.At, bound) {
			break
		}
		if e.Task.IsZero() && namesEntry(e.Kind) && own[e.Prev] {
			e.Task = id
		}
		if e.Task == id {
			events = append(events, e)
			own[e.At] = isEntry(e.Kind)
		}
	}
	if len(events) == 0 {
		return nil, task.ErrNotFound
	}
	return events, nil
}

// home finds the partition of a task by its number, which every event there has.
func home(ctx context.Context, ps []part, id task.ID) (part, bool, error) {
	for _, p := range ps {
		e, ok, err := p.peek(ctx, before(id.Birth()))
		if err != nil {
			return p, false, err
		}
		if ok && e.Partition == id.Partition() {
			return p, true, nil
		}
	}
	return part{}, false, nil
}

// isEntry reports whether an event of the kind is an entry that is delivered.
func isEntry(k task.Kind) bool {
	return k == task.Born || k == task.Released || k == task.HandedBack
}

// namesEntry reports whether events of the kind may name an entry and no task.
func namesEntry(k task.Kind) bool { return k == task.Reclaimed || k == task.EntryLost }
