package archive

import (
	"bytes"
	"context"
	"slices"

	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/task"
)

// Snapshots makes an archiver write a snapshot whenever so many events have come.
func (a *Archiver) Snapshots(every int64) *Archiver {
	a.snapshots = every
	return a
}

// Record is an entry of a segment, whose payload stands beside its commitment.
type Record struct {
	At     task.Position
	fields wire.Fields
	body   body
}

// Forge changes the records of a segment and writes it again, and all behind it, as
// somebody would who can write everything and has no key: frames, checksums, filters,
// trees, sizes and the chain of manifests agree. With renumber so do the lsns.
func Forge(ctx context.Context, d Dir, q task.Queue, at int, renumber bool, change func([]Record) []Record) error {
	a, err := Open(ctx, d)
	if err != nil {
		return err
	}
	w := &writer{bucket: d}
	for i, m := range a.Segments(q, 0) {
		if i < at {
			w.last = m
			continue
		}
		rs, err := recordsOf(ctx, d, m)
		if err != nil {
			return err
		}
		if i == at {
			rs = change(rs)
		}
		if renumber {
			for j := range rs {
				rs[j].At.LSN = int64(j) + 1
				if w.last != nil {
					rs[j].At.LSN += w.last.To.LSN
				}
			}
		}
		if err := w.forge(ctx, m, rs); err != nil {
			return err
		}
	}
	return nil
}

// forge puts a segment of some records in the place of another.
func (w *writer) forge(ctx context.Context, m *Manifest, rs []Record) error {
	w.base = Manifest{Namespace: m.Namespace, Queue: m.Queue, Partition: m.Partition, Number: m.Number}
	s := w.next()
	s.m.Token, s.m.Epoch, s.m.Life = m.Token, m.Epoch, m.Life
	for _, r := range rs {
		e := task.Entry{At: r.At, Fields: r.fields}
		s.put(sealed{r.At, appendEnvelope(nil, &e), r.body.salt, r.body.payload}, wire.Events(m.Number, r.At, r.fields))
	}
	s.finish()
	s.m.Entries = s.m.To.LSN - s.m.From.LSN + 1 // as every manifest says
	text, err := s.m.encode()
	if err != nil {
		return err
	}
	objects := func(m *Manifest) []string {
		return []string{payloadName(m.Queue, m.Partition, m.Epoch, m.From.LSN, m.Token, 0), m.object(), manifestName(m.Queue, m.Partition, m.first())}
	}
	for _, name := range objects(m) {
		if err := w.bucket.Delete(ctx, name); err != nil {
			return err
		}
	}
	for i, name := range objects(&s.m) {
		if err := w.bucket.Put(ctx, name, [][]byte{s.pay, s.seg, text}[i]); err != nil {
			return err
		}
	}
	s.m.sum, w.last = digest(text), &s.m
	return nil
}

// recordsOf reads a segment as it is.
func recordsOf(ctx context.Context, d Dir, m *Manifest) (rs []Record, err error) {
	bodies, err := openPayloads(ctx, d, m)
	if err != nil {
		return nil, err
	}
	b, err := d.Get(ctx, m.object(), 0, m.Bloom[0])
	for i := 0; err == nil && i < len(m.Frames); i++ {
		var records []byte
		if records, b, err = openFrame(b, nil); err != nil {
			break
		}
		var of map[int64]body
		if of, err = bodies.frame(i); err != nil {
			break
		}
		for record, rest, ok := nextRecord(records); ok; record, rest, ok = nextRecord(rest) {
			o := opener{}
			envelope, _ := unchecked(bytes.Clone(record))
			var e task.Entry
			if e, err = o.open(envelope); err != nil {
				return nil, err
			}
			rs = append(rs, Record{e.At, slices.Clone(e.Fields), of[e.At.LSN]})
		}
	}
	return rs, err
}
