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

// A snapshot is the fold of a partition up to before a segment, without what had
// ended by then, as JSON in zstd. The segment's manifest has its hash: one that was
// changed is not believed. It is a shortcut for questions about a moment, made of
// the segments alone, and may be deleted.
func snapshotName(m *Manifest) string {
	return fmt.Sprintf("%s%05d-%015d.fold", folder(m.Queue, m.Partition), m.Epoch, m.From.LSN)
}

var _ replay.Folder = (*Archive)(nil)

// Folded implements [replay.Folder].
func (a *Archive) Folded(ctx context.Context, q task.Queue, n int, bound task.Position) (*task.Fold, error) {
	p := a.part(q, n)
	if p == nil {
		return nil, nil
	}
	return p.folded(ctx, bound)
}

// folded reads the last snapshot that is within a bound. One that knows what a later
// life lost is none.
func (p *partition) folded(ctx context.Context, bound task.Position) (*task.Fold, error) {
	for i := len(p.segments) - 1; i > 0; i-- {
		m, to := p.segments[i], p.segments[i-1].To
		if m.Fold == "" || !replay.Within(to, bound) || p.lost(to.LSN) {
			continue
		}
		f, err := readSnapshot(ctx, p.bucket, m)
		if errors.Is(err, replay.ErrAbsent) {
			continue
		}
		return f, err
	}
	return nil, nil
}

func readSnapshot(ctx context.Context, b replay.Bucket, m *Manifest) (*task.Fold, error) {
	name := snapshotName(m)
	content, err := b.Get(ctx, name, 0, -1)
	if err != nil {
		return nil, err
	}
	f, text := task.NewFold(), []byte(nil)
	if digest(content) != m.Fold {
		err = ErrDamaged
	}
	if err == nil {
		text, _, err = openFrame(content, nil)
	}
	if err == nil {
		err = json.Unmarshal(text, f)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: delete it, it is made of the segments alone", name, err)
	}
	return f, nil
}

// sinceSnapshot counts the events behind the last one.
func (w *writer) sinceSnapshot() (events int64) {
	for i := len(w.ms) - 1; i >= 0; i-- {
		if events += w.ms[i].Events; w.ms[i].Fold != "" {
			break
		}
	}
	return events
}

// snapshot writes one of what is before a segment, if it is time for it and the
// segment does not say that some of that was lost. An archiver that died may have
// left it there already. One that fails is tried again after as many events.
func (w *writer) snapshot(ctx context.Context, m *Manifest) (sum string, err error) {
	events := w.sinceSnapshot()
	if m.Survived > 0 || events < max(w.every, w.due) {
		return "", nil
	}
	w.due = events + w.every
	f, err := w.fold(ctx)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(f)
	if err != nil {
		return "", err
	}
	name, b := snapshotName(m), appendFrame(nil, text)
	there, err := b, w.bucket.Put(ctx, name, b)
	if errors.Is(err, replay.ErrExists) {
		there, err = w.bucket.Get(ctx, name, 0, -1)
	}
	if err != nil {
		return "", err
	}
	w.due = int64(len(f.Tasks))
	if digest(there) != digest(b) {
		return "", nil // of another version: the next segment has one
	}
	return digest(b), nil
}

// fold is that of all segments.
func (w *writer) fold(ctx context.Context) (*task.Fold, error) {
	a, err := assemble(w.bucket, w.ms)
	if err != nil {
		return nil, err
	}
	p := a.part(w.base.Queue, w.base.Partition)
	f, err := p.folded(ctx, w.last.To)
	if err != nil {
		return nil, err
	}
	if f == nil {
		f = task.NewFold()
		f.Forget, f.Dropped, f.Partial = true, nil, p.segments[0].From.LSN > 1
	}
	var events []task.Event
	for e, err := range p.entries(ctx, f.LastLSN, false) {
		if err != nil {
			return nil, err
		}
		events = wire.AppendEvents(events[:0], w.last.Number, e.At, e.Fields)
		for i := range events {
			f.Add(&events[i])
		}
	}
	return f, nil
}
