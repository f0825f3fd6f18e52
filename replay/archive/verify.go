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
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// Verify reads a whole archive. Without a key the signatures are not looked at:
// then it tells damage, but not somebody who can write manifests. With one, an
// archive that has no checkpoint of it is not OK; [ErrWrongKey] if another key has
// signed all that it has. Checkpoints that were kept elsewhere, as [OpenCheckpoint]
// reads them, must be in it: else somebody has removed its end, and theirs.
func Verify(ctx context.Context, b replay.Bucket, key Key, kept ...*Checkpoint) (*Report, error) {
	r := &Report{}
	ms, err := r.manifests(ctx, b)
	if err != nil {
		return nil, err
	}
	cs, err := checkpoints(ctx, b, key, r)
	if err != nil {
		return nil, err
	}
	r.Unsigned = key != nil && len(cs) == 0
	cs = r.expect(cs, kept)
	a, err := assemble(b, ms)
	if err != nil && len(cs)+len(r.Findings) == 0 {
		return nil, err
	}
	r.Namespace = a.namespace
	for part, p := range a.all() {
		r.Partitions++
		v := &verification{bucket: b, report: r, part: part, roots: rootsOf(part, cs), sums: map[int64]string{}, redacted: map[task.ID]bool{}}
		for _, m := range p.segments {
			if err := v.segment(ctx, m); err != nil {
				return nil, err
			}
		}
		v.explain()
		r.Signed += v.signed(cs, p.segments).Size
	}
	r.gone(a, cs)
	return r, nil
}

// manifests reads all; what has the name of one and is none is a finding.
func (r *Report) manifests(ctx context.Context, b replay.Bucket) (ms []*Manifest, err error) {
	for m, err := range eachManifest(ctx, b, "", nil) {
		switch {
		case errors.Is(err, ErrDamaged):
			r.Findings = append(r.Findings, Finding{Tampered: true, What: err.Error()})
		case err != nil:
			return nil, err
		default:
			ms = append(ms, m)
		}
	}
	return sorted(ms), nil
}

// expect adds the checkpoints that were kept to those of the archive. One that it
// does not have is a finding.
func (r *Report) expect(cs, kept []*Checkpoint) []*Checkpoint {
	for _, k := range kept {
		if slices.ContainsFunc(cs, func(c *Checkpoint) bool { return c.sum == k.sum }) {
			continue
		}
		what := "is not in the archive"
		if slices.ContainsFunc(cs, func(c *Checkpoint) bool { return c.Number == k.Number }) {
			what = "is another one in the archive"
		}
		r.Findings = append(r.Findings, Finding{Tampered: true, What: fmt.Sprintf("checkpoint %d of %s of %s, which was kept, %s",
			k.Number, k.Namespace, k.Time.UTC().Format(time.RFC3339), what)})
		cs = append(cs, k)
	}
	slices.SortStableFunc(cs, func(a, b *Checkpoint) int { return cmp.Compare(a.Number, b.Number) })
	return cs
}

// rootsOf asks for the sizes at which checkpoints have signed a root.
func rootsOf(part string, cs []*Checkpoint) map[int64]string {
	roots := map[int64]string{}
	for _, c := range cs {
		for _, t := range c.Trees {
			if t.Partition == part {
				roots[t.Size] = ""
			}
		}
	}
	return roots
}

// gone finds partitions that were signed and have no segment.
func (r *Report) gone(a *Archive, cs []*Checkpoint) {
	last := map[string]int64{}
	for _, c := range cs {
		for _, t := range c.Trees {
			q, n, ok := splitPart(t.Partition)
			if p := a.part(q, n); !ok || p == nil || len(p.segments) == 0 {
				last[t.Partition] = max(last[t.Partition], t.To.LSN)
			}
		}
	}
	for _, part := range slices.Sorted(maps.Keys(last)) {
		r.Findings = append(r.Findings, Finding{Tampered: true, Partition: part, From: 1, To: last[part], What: "the partition is gone"})
	}
}

// all goes through the partitions that have segments, in order.
func (a *Archive) all() iter.Seq2[string, *partition] {
	return func(yield func(string, *partition) bool) {
		for _, q := range slices.Sorted(maps.Keys(a.parts)) {
			for n, p := range a.parts[q] {
				if len(p.segments) > 0 && !yield(strings.TrimSuffix(folder(q, n), "/"), p) {
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
