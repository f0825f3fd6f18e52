package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// Verify reads a whole archive. Without a key the signatures are not looked at:
// then it tells damage, but not somebody who can write manifests. With one, an
// archive that has no checkpoint of it is not OK; [ErrWrongKey] if another key has
// signed all that it has.
func Verify(ctx context.Context, b replay.Bucket, key Key) (*Report, error) {
	r := &Report{}
	var ms []*Manifest
	for m, err := range eachManifest(ctx, b, "") {
		switch {
		case errors.Is(err, errManifest):
			r.Findings = append(r.Findings, Finding{Tampered: true, What: err.Error()})
		case err != nil:
			return nil, err
		default:
			ms = append(ms, m)
		}
	}
	cs, err := checkpoints(ctx, b, key, r)
	if err != nil {
		return nil, err
	}
	r.Unsigned = key != nil && len(cs) == 0
	a, err := assemble(b, sorted(ms))
	if err != nil && len(cs)+len(r.Findings) == 0 {
		return nil, err
	}
	r.Namespace = a.namespace
	for part, p := range a.all() {
		r.Partitions++
		v := &verification{bucket: b, report: r, part: part, roots: map[int64]string{}, sums: map[int64]string{}, redacted: map[task.ID]bool{}}
		for _, c := range cs {
			for _, t := range c.Trees {
				if t.Partition == part {
					v.roots[t.Size] = ""
				}
			}
		}
		for _, m := range p.segments {
			if err := v.segment(ctx, m); err != nil {
				return nil, err
			}
		}
		v.explain()
		v.signed(cs)
	}
	for _, c := range cs {
		for _, t := range c.Trees {
			if q, n, ok := splitPart(t.Partition); !ok || a.part(q, n) == nil {
				r.Findings = append(r.Findings, Finding{Tampered: true, Partition: t.Partition, From: 1, To: t.To.LSN, What: "the partition is gone"})
				return r, nil
			}
		}
	}
	return r, nil
}

// all goes through the partitions in order.
func (a *Archive) all() iter.Seq2[string, *partition] {
	return func(yield func(string, *partition) bool) {
		for _, q := range slices.Sorted(maps.Keys(a.parts)) {
			for n, p := range a.parts[q] {
				if !yield(strings.TrimSuffix(folder(q, n), "/"), p) {
					return
				}
			}
		}
	}
}

func splitPart(s string) (task.Queue, int, bool) {
	q, n, ok := strings.Cut(s, "/")
	i, err := strconv.Atoi(n)
	return task.Queue(q), i, ok && err == nil
}

// checkpoints reads all, in order; those that cannot be believed are findings. With
// no key none is.
func checkpoints(ctx context.Context, b replay.Bucket, key Key, r *Report) (all []*Checkpoint, err error) {
	if key == nil {
		return nil, nil
	}
	bad := func(format string, args ...any) {
		r.Findings = append(r.Findings, Finding{Tampered: true, What: fmt.Sprintf(format, args...)})
	}
	prev, foreign := &Checkpoint{sum: "-"}, ""
	for name, err := range b.List(ctx, checkpointFolder) {
		if err != nil {
			return nil, err
		}
		c, err := readCheckpoint(ctx, b, name, note.VerifierList(key))
		if unverified := new(note.UnverifiedNoteError); errors.As(err, &unverified) {
			foreign = cmp.Or(foreign, name)
			bad("%s was signed by another key than %s", name, key.Name())
			continue
		}
		if err != nil {
			bad("%v", err)
			continue
		}
		if c.Number != prev.Number+1 || c.Prev != prev.sum {
			bad("%s does not continue checkpoint %d", name, prev.Number)
		}
		r.Checkpoints++
		all, prev = append(all, c), c
	}
	if len(all) == 0 && foreign != "" {
		return nil, fmt.Errorf("%s was signed by another key than %s: %w", foreign, key.Name(), ErrWrongKey)
	}
	return all, nil
}
