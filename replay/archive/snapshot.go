package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// snapshotEvery is how many events lie between two snapshots at least. More do
// where more tasks are open, so that writing snapshots costs no more than writing
// segments.
const snapshotEvery = 1 << 18

// A snapshot is the fold of a partition up to the end of a segment, without what
// had ended by then, as JSON in zstd. It is a shortcut for questions about a
// moment: it may be deleted, and is made of the segments alone.
func snapshotName(m *Manifest) string {
	return fmt.Sprintf("%s%05d-%015d.fold", folder(m.Queue, m.Partition), m.Epoch, m.To.LSN)
}

var _ replay.Folder = (*Archive)(nil)

// Folded implements [replay.Folder].
func (a *Archive) Folded(ctx context.Context, q task.Queue, n int, bound task.Position) (*task.Fold, error) {
	p := a.part(q, n)
	if p == nil {
		return nil, nil
	}
	return p.folded(ctx, len(p.segments), bound)
}

// folded reads the last snapshot of the first n segments that is within a bound. One
// that knows what a later life lost is none.
func (p *partition) folded(ctx context.Context, n int, bound task.Position) (*task.Fold, error) {
	for i := n - 1; i >= 0; i-- {
		m := p.segments[i]
		if !m.Snapshot || !replay.Within(m.To, bound) || p.lost(m.To.LSN) {
			continue
		}
		b, err := p.bucket.Get(ctx, snapshotName(m), 0, -1)
		if errors.Is(err, replay.ErrAbsent) {
			continue
		}
		if err != nil {
			return nil, err
		}
		text, _, err := openFrame(b, nil)
		f := task.NewFold()
		if err == nil {
			err = json.Unmarshal(text, f)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w: delete it, it is made of the segments alone", snapshotName(m), err)
		}
		return f, nil
	}
	return nil, nil
}

// snapshotDue reports whether one should follow so many more events.
func (w *writer) snapshotDue(events int64) bool {
	for i := len(w.ms) - 1; i >= 0 && !w.ms[i].Snapshot; i-- {
		events += w.ms[i].Events
	}
	return events >= max(w.every, w.open)
}

// snapshot writes one behind the last segment, if it is time for it.
func (w *writer) snapshot(ctx context.Context) error {
	if !w.last.Snapshot {
		return nil
	}
	a, err := assemble(w.bucket, w.ms)
	if err != nil {
		return err
	}
	p := a.part(w.base.Queue, w.base.Partition)
	last := p.segments[len(p.segments)-1]
	f, err := p.folded(ctx, len(p.segments)-1, last.To)
	if err != nil {
		return err
	}
	if f == nil {
		f = task.NewFold()
		f.Forget, f.Partial = true, p.segments[0].From.LSN > 1
	}
	for e, err := range p.entries(ctx, f.LastLSN, false) {
		if err != nil {
			return err
		}
		w.events = wire.AppendEvents(w.events[:0], last.Number, e.At, e.Fields)
		for i := range w.events {
			f.Add(&w.events[i])
		}
	}
	w.open = int64(len(f.Tasks))
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	if err = w.bucket.Put(ctx, snapshotName(last), appendFrame(nil, text)); errors.Is(err, replay.ErrExists) {
		return nil
	}
	return err
}
