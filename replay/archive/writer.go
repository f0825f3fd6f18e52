package archive

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// writer appends to one partition of an archive.
type writer struct {
	bucket replay.Bucket
	feed   Feed
	base   Manifest // what all of its manifests share
	ms     []*Manifest
	last   *Manifest
	from   task.Position // where the next page begins
	life   string        // of the server that the last page came from
	whole  bool          // the last segment was seen to be as it was written
	events []task.Event  // of the entry that was taken last
	every  int64         // events between two snapshots
	due    int64         // and at least so many, as there are tasks in the last one
	failed func(error)   // told of snapshots that are not there
}

// open finds where the archive of a partition ends.
func (a *Archiver) open(ctx context.Context, q task.Queue, n int) (*writer, error) {
	feed, err := a.log.Feed(ctx, q, n)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	if err := a.Check(ctx); err != nil {
		return nil, err
	}
	w := &writer{bucket: a.bucket, feed: feed, every: a.snapshots, failed: a.opts.Failed, base: Manifest{
		Namespace: a.opts.Namespace, Queue: q, Partition: n, Number: feed.Number(),
	}}
	return w, w.reload(ctx)
}

// Check says why the bucket cannot take this log: it has the archive of another
// namespace ([ErrForeign]), or cannot be read.
func (a *Archiver) Check(ctx context.Context) error {
	if a.ours.Load() {
		return nil
	}
	for m, err := range eachManifest(ctx, a.bucket, "", nil) {
		switch {
		case errors.Is(err, ErrDamaged): // told by whoever goes on behind it
		case err != nil:
			return fmt.Errorf("archive: %w", err)
		case m.Namespace != a.opts.Namespace:
			return fmt.Errorf("%w: it is of %q, not of %q", ErrForeign, m.Namespace, a.opts.Namespace)
		default:
			a.ours.Store(true)
			return nil
		}
	}
	return nil
}

// reload goes on behind the last manifest, and registers the cursor there: before
// the first segment at the beginning of the log.
func (w *writer) reload(ctx context.Context) error {
	ms, err := manifests(ctx, w.bucket, folder(w.base.Queue, w.base.Partition), nil)
	if err != nil {
		return err
	}
	w.ms, w.last, w.from, w.life = ms, nil, task.Position{}, ""
	if len(ms) > 0 {
		w.last = ms[len(ms)-1]
		w.from, w.life = w.last.To, w.last.Life
		if w.last.Namespace != w.base.Namespace || w.last.Number != w.base.Number {
			return fmt.Errorf("%w: %s/%d is partition %d of %q there, here %d of %q", ErrForeign,
				w.base.Queue, w.base.Partition, w.last.Number, w.last.Namespace, w.base.Number, w.base.Namespace)
		}
	}
	return w.spare(ctx)
}

func (w *writer) spare(ctx context.Context) error {
	at := task.Position{LSN: 1}
	if w.last != nil {
		at = w.last.To.Next()
	}
	return w.feed.Spare(ctx, Role, at)
}

// check reads the last segment, once. Behind one that is damaged nothing is archived,
// so that nothing more is trimmed: it can perhaps be had from Redis again.
func (w *writer) check(ctx context.Context) error {
	if w.whole || w.last == nil {
		return nil
	}
	b, err := w.bucket.Get(ctx, w.last.object(), 0, -1)
	if errors.Is(err, replay.ErrAbsent) || err == nil && digest(b) != w.last.SHA256 {
		err = fmt.Errorf("archive ends with %s, which is %w or gone", w.last.place(), ErrDamaged)
	}
	w.whole = err == nil
	return err
}

// catchUp writes what the log has beyond the archive.
func (w *writer) catchUp(ctx context.Context) error {
	if err := w.check(ctx); err != nil {
		return err
	}
	s := w.next()
	for {
		page, err := w.feed.Page(ctx, w.from)
		if err != nil {
			return err
		}
		if w.life != "" && page.Life != w.life { // its clock may have gone back: read it all again
			if err := w.write(ctx, s); err != nil {
				return err
			}
			s, w.from, w.life = w.next(), task.Position{}, page.Life
			continue
		}
		w.from, w.life = page.Next, page.Life
		for _, e := range page.Entries {
			if s, err = w.take(ctx, s, e); err != nil {
				return err
			}
		}
		if !page.More {
			return w.write(ctx, s)
		}
	}
}

// next is the segment behind the last one.
func (w *writer) next() *segment {
	if w.last == nil {
		return newSegment(w.base, tree{}, "")
	}
	base := w.base
	base.Epoch = w.last.Epoch
	return newSegment(base, tree{w.last.Size, w.last.Edge}, w.last.sum)
}

// take adds an entry to a segment, or to the next one. Entries of strangers have no
// lsn of ours: they are no history.
func (w *writer) take(ctx context.Context, s *segment, e task.Entry) (*segment, error) {
	last := s.m.To.LSN
	if s.m.Entries == 0 && w.last != nil {
		last = w.last.To.LSN
	}
	if e.At.LSN <= last || len(e.Fields) == 0 || string(e.Fields[0]) != wire.BirthFields[0] {
		return s, nil
	}
	w.events = wire.AppendEvents(w.events[:0], w.base.Number, e.At, e.Fields)
	if s.full() || s.begins(e.At, w.events) {
		if err := w.write(ctx, s); err != nil {
			return nil, err
		}
		s = w.next()
	}
	if s.m.Entries == 0 && s.m.Epoch == 0 {
		s.m.Epoch = epochOf(w.life)
	}
	s.add(e, w.events)
	return s, nil
}

// write makes a segment part of the archive: its files, then the manifest, then
// the cursor.
func (w *writer) write(ctx context.Context, s *segment) error {
	if s.m.Entries == 0 {
		return nil
	}
	s.finish()
	m := &s.m
	m.Life = w.life
	var err error
	if m.Fold, err = w.snapshot(ctx, m); err != nil { // what cannot be folded is archived all the same
		w.failed(fmt.Errorf("archive %s: the snapshot before it: %w", m.place(), err))
	}
	body, err := m.encode()
	if err != nil {
		return err
	}
	m.name, m.sum = manifestName(m.Queue, m.Partition, m.first()), digest(body)
	for _, o := range []struct {
		name string
		b    []byte
	}{
		{payloadName(m.Queue, m.Partition, m.Epoch, m.From.LSN, m.Token, 0), s.pay},
		{m.object(), s.seg},
		{m.name, body},
	} {
		if err := w.bucket.Put(ctx, o.name, o.b); err != nil {
			if errors.Is(err, replay.ErrExists) {
				err = ErrBehind
			}
			return fmt.Errorf("archive %s: %w", m.place(), err)
		}
	}
	w.ms, w.last, w.whole = append(w.ms, m), m, true
	return w.spare(ctx)
}
