package replay

import (
	"context"
	"iter"

	"github.com/tidemill/tidemill/task"
)

// Folder is a Source that keeps folds of its own, so that [At] need not begin
// with the first event.
type Folder interface {
	// Folded returns the fold of a partition up to some entry that [Within] bound
	// allows, the latest there is; nil if there is none. The caller owns it.
	Folded(ctx context.Context, q task.Queue, partition int, bound task.Position) (*task.Fold, error)
}

// Index is a Source that finds the events of one task without reading all others.
type Index interface {
	// About is Events without events that surely do not concern the task: it keeps
	// those that name it, and those that name no task but one of its entries.
	About(ctx context.Context, q task.Queue, partition int, after task.Position, id task.ID) iter.Seq2[task.Event, error]
}

// Within reports whether an entry is not after a bound, in time and in lsn. Both
// rise along the log, so the entries within a bound are a prefix of it.
func Within(at, bound task.Position) bool { return at.Ms <= bound.Ms && at.LSN <= bound.LSN }

// fold is where [At] begins.
func (p part) fold(ctx context.Context, bound task.Position) (*task.Fold, error) {
	if src, ok := p.src.(Folder); ok {
		if f, err := src.Folded(ctx, p.queue, p.n, bound); f != nil || err != nil {
			return f, err
		}
	}
	return task.NewFold(), nil
}

// about reads the events that may concern a task.
func (p part) about(ctx context.Context, after task.Position, id task.ID) iter.Seq2[task.Event, error] {
	if src, ok := p.src.(Index); ok {
		return p.owned(src.About(ctx, p.queue, p.n, after, id))
	}
	return p.events(ctx, after)
}
