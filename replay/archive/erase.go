package archive

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// ErrNotRedacted: the archive holds no event that says the task was redacted.
var ErrNotRedacted = errors.New("the archive does not say that it was redacted")

// Redacted reports whether the archive holds an event that says a task was redacted.
func (a *Archive) Redacted(ctx context.Context, id task.ID) (bool, error) {
	_, p, err := a.locate(id)
	if err != nil {
		return false, err
	}
	_, said, err := p.bodies(ctx, id)
	return said, err
}

// Erase removes the payloads of a task, and returns how many there were. What is
// left of its entries still proves what it did, and [Verify] finds the event by
// which they went, which must have been archived before. Asked again, or after it
// was stopped anywhere, it finishes. Backups of the bucket are beyond it.
func (a *Archive) Erase(ctx context.Context, id task.ID) (int, error) {
	_, p, err := a.locate(id)
	if err != nil {
		return 0, err
	}
	in, said, err := p.bodies(ctx, id)
	if err == nil && !said {
		err = ErrNotRedacted
	}
	erased := 0
	for _, m := range p.segments {
		if err == nil && len(in[m]) > 0 {
			var n int
			n, err = erase(ctx, p.bucket, m, in[m])
			erased += n
		}
	}
	if err != nil {
		err = fmt.Errorf("erase %s: %w", id, err)
	}
	return erased, err
}

// bodies finds the entries of a task that may have a payload, by segment, those too
// that a later life lost; said: one tells of its redaction.
func (p *partition) bodies(ctx context.Context, id task.ID) (in map[*Manifest]map[int64]bool, said bool, err error) {
	whole := *p
	whole.cuts = nil
	in = map[*Manifest]map[int64]bool{}
	for e, err := range whole.about(ctx, id, map[task.Position]bool{}, false) {
		if err != nil {
			return nil, false, err
		}
		for _, ev := range p.events(nil, e) {
			if ev.Task != id {
				continue
			}
			said = said || ev.Kind == task.Redacted
			if m := p.holding(e.At.LSN); ev.Type != "" {
				if in[m] == nil {
					in[m] = map[int64]bool{}
				}
				in[m][e.At.LSN] = true
			}
		}
	}
	return in, said, nil
}

// erase writes the next generation of a segment's payload file, without some of its
// records, and deletes those before it. Of two at once, one goes on behind the other;
// one that stood still may put a generation that others have left behind.
func erase(ctx context.Context, b replay.Bucket, m *Manifest, gone map[int64]bool) (int, error) {
	for {
		r, err := openPayloads(ctx, b, m)
		if err != nil {
			return 0, err
		}
		content, n, err := r.without(gone)
		if err != nil {
			return 0, err
		}
		generation := r.generation
		if n > 0 {
			generation++
			name := payloadName(m.Queue, m.Partition, m.Epoch, m.From.LSN, m.Token, generation)
			if err := b.Put(ctx, name, content); errors.Is(err, replay.ErrExists) {
				continue
			} else if err != nil {
				return 0, err
			}
			if _, newest, err := payloadFile(ctx, b, m); err != nil {
				return 0, err
			} else if newest != generation {
				continue
			}
		}
		for old := range generation {
			if err := b.Delete(ctx, payloadName(m.Queue, m.Partition, m.Epoch, m.From.LSN, m.Token, old)); err != nil {
				return 0, err
			}
		}
		return n, nil
	}
}

// without is the file with some records left out, and how many there were.
func (r *payloadReader) without(gone map[int64]bool) (content []byte, n int, err error) {
	var offsets []byte
	for i := range len(r.at) - 1 {
		offsets = binary.LittleEndian.AppendUint64(offsets, uint64(len(content)))
		bodies, err := r.frame(i)
		if err != nil {
			return nil, 0, err
		}
		before := len(bodies)
		maps.DeleteFunc(bodies, func(lsn int64, _ body) bool { return gone[lsn] })
		if len(bodies) == before {
			content = append(content, r.b[r.at[i]:r.at[i+1]]...)
			continue
		}
		n += before - len(bodies)
		var records []byte
		for _, lsn := range slices.Sorted(maps.Keys(bodies)) {
			records = appendBody(records, lsn, bodies[lsn])
		}
		content = appendFrame(content, records)
	}
	content = append(content, offsets...)
	return binary.LittleEndian.AppendUint64(content, uint64(len(r.at)-1)), n, nil
}

// appendBody appends one record of a payload file.
func appendBody(records []byte, lsn int64, b body) []byte {
	head := binary.AppendUvarint(make([]byte, 0, binary.MaxVarintLen64), uint64(lsn))
	records = binary.AppendUvarint(records, uint64(len(head)+len(b.salt)+len(b.payload)))
	return append(append(append(records, head...), b.salt...), b.payload...)
}
