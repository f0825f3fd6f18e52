package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// verification goes through one partition.
type verification struct {
	bucket   replay.Bucket
	report   *Report
	part     string
	quick    bool // payloads are not read
	tree     tree
	prev     *Manifest
	roots    map[int64]string // asked for: the root at these sizes
	sums     map[int64]string // the manifests that end at a size
	absent   []absent         // payloads that are not there
	redacted map[task.ID]bool // tasks of which an event says that they were redacted
}

// absent is an entry whose payload is gone.
type absent struct {
	m    *Manifest
	lsn  int64
	task task.ID
}

// resume goes on behind a segment that was verified before.
func (v *verification) resume(m *Manifest) {
	v.prev, v.tree = m, tree{m.Size, slices.Clone(m.Edge)}
	v.note()
}

func (v *verification) find(tampered bool, m *Manifest, from, to int64, format string, args ...any) {
	f := Finding{Tampered: tampered, Partition: v.part, From: from, To: to, What: fmt.Sprintf(format, args...)}
	if m != nil {
		f.Segment = m.Segment
	}
	v.report.Findings = append(v.report.Findings, f)
}

// note keeps the root, if it is asked for at this size.
func (v *verification) note() {
	if _, ok := v.roots[v.tree.size]; ok {
		v.roots[v.tree.size] = v.tree.root().String()
	}
}

// segment verifies the next one: its place in the chain, its file, each envelope,
// the tree. The error is one of reading.
func (v *verification) segment(ctx context.Context, m *Manifest) error {
	v.report.Segments++
	if m.Namespace != v.report.Namespace {
		v.find(true, m, m.From.LSN, m.To.LSN, "the segment is of namespace %q, the archive of %q", m.Namespace, v.report.Namespace)
	}
	v.chain(m)
	if v.sums != nil {
		v.sums[m.Size] = m.sum
	}
	if err := v.snapshot(ctx, m); err != nil {
		return err
	}
	b, err := v.bucket.Get(ctx, m.object(), 0, -1)
	if errors.Is(err, replay.ErrAbsent) {
		v.find(true, m, m.From.LSN, m.To.LSN, "the segment is missing")
		v.resume(m)
		return nil
	}
	if err != nil {
		return err
	}
	whole := int64(len(b)) == m.Bytes && digest(b) == m.SHA256
	found := len(v.report.Findings)
	if err := v.envelopes(ctx, m, b); err != nil {
		return err
	}
	if !whole && len(v.report.Findings) == found {
		v.find(true, m, m.From.LSN, m.To.LSN, "the file is not the one that was written")
	}
	if len(v.report.Findings) == found && (v.tree.size != m.Size || v.tree.root() != m.Root) {
		v.find(true, m, m.From.LSN, m.To.LSN, "its entries are not those that its manifest was written for")
	}
	v.resume(m)
	return nil
}

// snapshot checks the one before a segment, if it is there.
func (v *verification) snapshot(ctx context.Context, m *Manifest) error {
	if v.quick || m.Fold == "" {
		return nil
	}
	b, err := v.bucket.Get(ctx, snapshotName(m), 0, -1)
	if errors.Is(err, replay.ErrAbsent) {
		return nil // it may be deleted
	}
	if err == nil && digest(b) != m.Fold {
		v.find(true, m, m.From.LSN, m.From.LSN, "the snapshot %s is not the one that was written", path.Base(snapshotName(m)))
	}
	return err
}

// chain checks where a segment stands.
func (v *verification) chain(m *Manifest) {
	if want := m.want(); m.name != want {
		v.find(true, m, m.From.LSN, m.To.LSN, "the manifest %s belongs to %s", m.name, want)
	}
	switch {
	case v.prev == nil && m.Prev != "":
		v.find(true, m, 1, m.From.LSN-1, "the segment before it is missing")
	case v.prev == nil && m.From.LSN > 1:
		v.find(false, m, 1, m.From.LSN-1, "trimmed before the archive began")
	case v.prev != nil && m.Prev != v.prev.sum:
		from, to := v.prev.To.LSN+1, m.From.LSN-1
		if from > to {
			from, to = v.prev.From.LSN, v.prev.To.LSN
		}
		v.find(true, m, from, to, "it does not continue the manifest before it")
	case v.prev != nil && m.From.LSN <= v.prev.To.LSN:
		v.find(true, m, m.From.LSN, v.prev.To.LSN, "they are in the segment before it as well")
	case v.prev != nil && m.From.LSN != v.prev.To.LSN+1 && m.Survived == 0:
		v.find(true, m, v.prev.To.LSN+1, m.From.LSN-1, "entries are missing")
	}
}

// envelopes reads all of a segment. After the first damage nothing that follows in
// its frame can be told.
func (v *verification) envelopes(ctx context.Context, m *Manifest, b []byte) error {
	bodies, err := v.payloads(ctx, m)
	if err != nil {
		return err
	}
	w := walk{next: m.From.LSN}
	for i, f := range m.Frames {
		last := m.To.LSN
		if i+1 < len(m.Frames) {
			last = m.Frames[i+1].From.LSN - 1
		}
		if f.Offset < 0 || f.Offset > int64(len(b)) {
			v.find(true, m, f.From.LSN, last, "frame %d is cut off", i)
			return nil
		}
		if w.records, _, err = openFrame(b[f.Offset:], w.records); err != nil {
			from, to := f.damaged(b, last)
			v.find(true, m, from, to, "%v", err)
			return nil
		}
		of, err := bodies.frame(i)
		if err != nil {
			v.find(true, m, f.From.LSN, last, "%v", err)
			of, bodies = nil, nil
		}
		if !v.frame(m, &w, of, bodies != nil) {
			return nil
		}
	}
	if w.next != m.To.LSN+1 {
		v.find(true, m, w.next, m.To.LSN, "the segment ends before it should")
	}
	if at := m.Hashes; at[0] > int64(len(b)) || at[1] > int64(len(b))-at[0] || !bytes.Equal(w.nodes, b[at[0]:at[0]+at[1]]) {
		v.find(true, m, m.From.LSN, m.To.LSN, "the nodes of the tree that it holds are not those of its entries")
	}
	return nil
}

// walk is the way through the envelopes of one segment.
type walk struct {
	next    int64 // lsn
	nodes   []byte
	records []byte // of a frame
	opener  opener
}

// payloads opens the payload file of a segment; nil where there is nothing to read.
func (v *verification) payloads(ctx context.Context, m *Manifest) (*payloadReader, error) {
	if v.quick {
		return nil, nil
	}
	bodies, err := openPayloads(ctx, v.bucket, m)
	if errors.Is(err, replay.ErrAbsent) || errors.Is(err, errPayloads) {
		v.find(true, m, m.From.LSN, m.To.LSN, "%v", err)
		return nil, nil
	}
	return bodies, err
}

// frame verifies the envelopes of one. It reports whether each stood where it should.
func (v *verification) frame(m *Manifest, w *walk, of map[int64]body, read bool) bool {
	for rest := w.records; len(rest) > 0; w.next++ {
		record, after, ok := nextRecord(rest)
		envelope, good := unchecked(record)
		e, err := w.opener.open(envelope)
		if !ok || !good || err != nil || e.At.LSN != w.next {
			v.find(true, m, w.next, w.next, "entry %s stands where this one should", e.At)
			return false
		}
		v.entry(m, &e, of, read)
		if node, ok := v.tree.add(tlog.RecordHash(envelope)); ok {
			w.nodes = append(w.nodes, node[:]...)
		}
		v.note()
		rest = after
	}
	return true
}

// damaged finds the first damaged entry of a frame whose last lsn is given. Where
// not even the entry can be told, it is somewhere from there on.
func (f FrameInfo) damaged(b []byte, last int64) (from, to int64) {
	from = f.From.LSN
	for rest := salvage(b[f.Offset:]); from < last; from++ {
		record, after, ok := nextRecord(rest)
		if !ok {
			return from, last
		}
		if _, good := unchecked(record); !good {
			return from, from
		}
		rest = after
	}
	return from, last
}

// entry checks one: that it opens the epoch it should, and that its payload is the
// one that was committed to.
func (v *verification) entry(m *Manifest, e *task.Entry, of map[int64]body, read bool) {
	v.report.Entries++
	events := wire.Events(m.Number, e.At, e.Fields)
	v.report.Events += int64(len(events))
	if e.At == m.From && v.prev != nil && m.From.LSN != v.prev.To.LSN+1 && m.Survived > 0 {
		if epoch, survived := life(&events[0]); !opensEpoch(&events[0]) || epoch != m.Epoch || survived != m.Survived {
			v.find(true, m, v.prev.To.LSN+1, m.From.LSN-1, "no epoch event explains that these are missing")
		} else {
			v.find(false, m, v.prev.To.LSN+1, m.From.LSN-1, "%s: redis kept what stands up to %d", events[0].Reason, survived)
		}
	}
	if events[0].Kind == task.Redacted && v.redacted != nil {
		v.redacted[events[0].Task] = true
	}
	i := payloadOf(e.Fields)
	if i < 0 || !read {
		return
	}
	p, ok := of[e.At.LSN]
	switch {
	case ok && bytes.Equal(commit(p.salt, p.payload), e.Fields[i]):
		v.report.Payloads++
	case ok:
		v.find(true, m, e.At.LSN, e.At.LSN, "the payload is not the one that was committed to")
	default:
		v.absent = append(v.absent, absent{m, e.At.LSN, events[0].Task})
	}
}

// explain looks, at the end, for the events by which payloads went.
func (v *verification) explain() {
	for _, a := range v.absent {
		if v.redacted[a.task] {
			v.report.Erased++
			continue
		}
		v.find(true, a.m, a.lsn, a.lsn, "the payload is gone, and no redacted event says why")
	}
}
