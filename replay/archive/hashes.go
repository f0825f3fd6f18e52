package archive

import (
	"bytes"
	"context"
	"fmt"
	"sort"

	"golang.org/x/mod/sumdb/tlog"
)

// hashReader is a tlog.HashReader over an archive: nodes from nodeLevel on are
// stored, what is below is computed from envelopes.
type hashReader struct {
	ctx   context.Context
	p     *partition
	nodes map[*Manifest][]byte
	block []tlog.Hash // the leaves of one node
	raw   [][]byte    // and their envelopes
	begin int64       // the first of them
}

// ReadHashes implements tlog.HashReader.
func (r *hashReader) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		level, n := tlog.SplitStoredHashIndex(at)
		var err error
		if out[i], err = r.node(level, n); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *hashReader) node(level int, n int64) (h tlog.Hash, err error) {
	switch {
	case level == nodeLevel:
		return r.stored(n)
	case level == 0:
		h, _, err = r.leaf(n)
		return h, err
	}
	left, err := r.node(level-1, 2*n)
	if err != nil {
		return h, err
	}
	right, err := r.node(level-1, 2*n+1)
	return tlog.NodeHash(left, right), err
}

// stored reads a node that a segment completed.
func (r *hashReader) stored(n int64) (h tlog.Hash, err error) {
	m := r.p.at((n+1)<<nodeLevel - 1)
	if m == nil {
		return h, fmt.Errorf("node %d of the tree: %w", n, errFrame)
	}
	if r.nodes[m] == nil {
		if r.nodes[m], err = r.p.bucket.Get(r.ctx, m.object(), m.Hashes[0], m.Hashes[1]); err != nil {
			return h, err
		}
	}
	from := (n - m.first()>>nodeLevel) * tlog.HashSize
	if from < 0 || from+tlog.HashSize > int64(len(r.nodes[m])) {
		return h, fmt.Errorf("node %d of the tree: %w", n, errFrame)
	}
	copy(h[:], r.nodes[m][from:])
	return h, nil
}

// leaf reads the envelope at an index of the tree, and those around it.
func (r *hashReader) leaf(i int64) (h tlog.Hash, envelope []byte, err error) {
	if i < r.begin || i >= r.begin+int64(len(r.block)) {
		r.begin, r.block, r.raw = i>>nodeLevel<<nodeLevel, nil, nil
		for m := r.p.at(r.begin); m != nil && len(r.block) < 1<<nodeLevel; m = r.p.at(r.begin + int64(len(r.block))) {
			if err := r.envelopes(m); err != nil {
				return h, nil, err
			}
		}
	}
	if i >= r.begin+int64(len(r.block)) {
		return h, nil, fmt.Errorf("entry %d of the tree: %w", i, errFrame)
	}
	return r.block[i-r.begin], r.raw[i-r.begin], nil
}

// envelopes takes those of a segment that belong to the block.
func (r *hashReader) envelopes(m *Manifest) error {
	skip := r.begin + int64(len(r.block)) - m.first() // envelopes of the segment before the first wanted
	lsn := m.From.LSN + skip
	first := max(0, sort.Search(len(m.Frames), func(i int) bool { return m.Frames[i].From.LSN > lsn })-1)
	b, err := r.p.bucket.Get(r.ctx, m.object(), m.Frames[first].Offset, m.Bloom[0]-m.Frames[first].Offset)
	if err != nil {
		return err
	}
	at := m.Frames[first].From.LSN
	for _, f := range m.Frames[first:] {
		records, rest, err := openFrame(b, nil)
		if err != nil {
			return fmt.Errorf("%s, from lsn %d: %w", m.place(), f.From.LSN, err)
		}
		for b = rest; len(records) > 0; at++ {
			record, after, ok := nextRecord(records)
			envelope, good := unchecked(record)
			if !ok || !good {
				return fmt.Errorf("%s: %w", m.place(), errFrame)
			}
			if at >= lsn {
				r.block, r.raw = append(r.block, tlog.RecordHash(envelope)), append(r.raw, bytes.Clone(envelope))
			}
			if records = after; len(r.block) == 1<<nodeLevel {
				return nil
			}
		}
	}
	return nil
}

// at finds the segment that holds the entry at an index of the tree.
func (p *partition) at(index int64) *Manifest {
	i := sort.Search(len(p.segments), func(i int) bool { return p.segments[i].Size > index })
	if i == len(p.segments) || index < 0 {
		return nil
	}
	return p.segments[i]
}

// holding finds the segment that holds an lsn.
func (p *partition) holding(lsn int64) *Manifest {
	return p.segments[sort.Search(len(p.segments), func(i int) bool { return p.segments[i].To.LSN >= lsn })]
}
