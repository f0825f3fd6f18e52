package archive

import (
	"context"
	"fmt"
	"iter"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// Merged is an archive and the live log behind it as one source, without a seam:
// what the archive has is read there, what is newer from the log. What Redis lost is
// read too, until the archive has heard of the loss.
type Merged struct {
	archive *Archive
	live    replay.Source
}

// Merge makes one source of both.
func Merge(a *Archive, live replay.Source) *Merged { return &Merged{a, live} }

var (
	_ replay.Source = (*Merged)(nil)
	_ replay.Index  = (*Merged)(nil)
	_ replay.Folder = (*Merged)(nil)
)

// Queues implements [replay.Source].
func (m *Merged) Queues(ctx context.Context) (map[task.Queue]int, error) {
	queues, err := m.live.Queues(ctx)
	if err != nil {
		return nil, err
	}
	for q, parts := range m.archive.parts {
		queues[q] = max(queues[q], len(parts))
	}
	return queues, nil
}

// Events implements [replay.Source]. It is an error when the log begins only behind
// what comes next: then it was trimmed although the archive had not got so far.
func (m *Merged) Events(ctx context.Context, q task.Queue, n int, after task.Position) iter.Seq2[task.Event, error] {
	return m.joined(ctx, q, n, after, m.archive.Events(ctx, q, n, after))
}

// About implements [replay.Index]. Of the log it yields all.
func (m *Merged) About(ctx context.Context, q task.Queue, n int, after task.Position, id task.ID) iter.Seq2[task.Event, error] {
	return m.joined(ctx, q, n, after, m.archive.About(ctx, q, n, after, id))
}

// Folded implements [replay.Folder], by what the archive keeps.
func (m *Merged) Folded(ctx context.Context, q task.Queue, n int, bound task.Position) (*task.Fold, error) {
	return m.archive.Folded(ctx, q, n, bound)
}

// joined yields what was read of the archive, if that goes on after the position, and
// then the log.
func (m *Merged) joined(ctx context.Context, q task.Queue, n int, after task.Position, archived iter.Seq2[task.Event, error]) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		seam := after
		if p := m.archive.part(q, n); p != nil && len(p.segments) > 0 {
			last := p.segments[len(p.segments)-1].To
			if after.LSN < last.LSN {
				for e, err := range archived {
					if !yield(e, err) || err != nil {
						return
					}
				}
				seam = last
			}
		}
		first := true
		for e, err := range m.behind(ctx, q, n, seam) {
			if err == nil && first && seam.LSN > 0 && e.At.LSN > seam.LSN+1 && e.Kind != task.EpochStarted {
				err = fmt.Errorf("%s/%d: the archive ends at lsn %d, the log begins at %d: %w", q, n, seam.LSN, e.At.LSN, task.ErrNotFound)
			}
			if first = false; !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// behind reads the live log from an lsn on. After a failover its clock may be a
// little behind that of the archive: then all of it is looked through.
func (m *Merged) behind(ctx context.Context, q task.Queue, n int, seam task.Position) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		for _, from := range []task.Position{seam, {}} {
			found := false
			for e, err := range m.live.Events(ctx, q, n, from) {
				if err == nil && e.At.LSN <= seam.LSN {
					continue
				}
				if err == nil && !found && from == seam && !seam.IsZero() && e.At.LSN > seam.LSN+1 && e.Kind != task.EpochStarted {
					break // perhaps what stands before it has an older time
				}
				if found = true; !yield(e, err) || err != nil {
					return
				}
			}
			if found || seam.IsZero() {
				return
			}
		}
	}
}
