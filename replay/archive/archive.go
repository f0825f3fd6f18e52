package archive

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// Errors of an archive.
var (
	ErrEmpty    = errors.New("no archive here")
	ErrWrongKey = errors.New("wrong key")
	ErrBehind   = errors.New("another archiver was first")
	ErrForeign  = errors.New("archive of another namespace")
	ErrDamaged  = errors.New("damaged") // an object is not what an archiver writes: Verify tells more
)

var (
	_ replay.Source = (*Archive)(nil)
	_ replay.Index  = (*Archive)(nil)
)

// Archive is an archive that is read. It is a [replay.Source].
type Archive struct {
	bucket    replay.Bucket
	parts     map[task.Queue][]*partition
	namespace string
	bare      bool
}

// partition holds the manifests of one partition, in order.
type partition struct {
	bucket   replay.Bucket
	segments []*Manifest
	cuts     []cut
}

// cut is a range of lsns that a later life of the log does not have: they were
// archived, and then lost by Redis.
type cut struct{ from, to int64 }

// Open reads the manifests of an archive.
func Open(ctx context.Context, b replay.Bucket) (*Archive, error) {
	ms, err := manifests(ctx, b, "", nil)
	if err != nil {
		return nil, err
	}
	return assemble(b, ms)
}

// assemble makes an archive of manifests in order.
func assemble(b replay.Bucket, ms []*Manifest) (*Archive, error) {
	a := &Archive{bucket: b, parts: map[task.Queue][]*partition{}}
	if len(ms) == 0 {
		return a, ErrEmpty
	}
	a.namespace = ms[0].Namespace
	for _, m := range ms {
		for len(a.parts[m.Queue]) <= m.Partition {
			a.parts[m.Queue] = append(a.parts[m.Queue], &partition{bucket: b})
		}
		p := a.parts[m.Queue][m.Partition]
		p.segments = append(p.segments, m)
		if m.Survived > 0 {
			p.cuts = append(p.cuts, cut{m.Survived + 1, m.From.LSN - 1})
		}
	}
	return a, nil
}

// Namespace is that of the log which was archived.
func (a *Archive) Namespace() string { return a.namespace }

// Queues implements [replay.Source].
func (a *Archive) Queues(context.Context) (map[task.Queue]int, error) {
	n := map[task.Queue]int{}
	for q, parts := range a.parts {
		n[q] = len(parts)
	}
	return n, nil
}

// All goes through the manifests of all partitions.
func (a *Archive) All() iter.Seq[*Manifest] {
	return func(yield func(*Manifest) bool) {
		for _, p := range a.all() {
			for _, m := range p.segments {
				if !yield(m) {
					return
				}
			}
		}
	}
}

// Segments lists the manifests of a partition in order.
func (a *Archive) Segments(q task.Queue, n int) []*Manifest {
	if p := a.part(q, n); p != nil {
		return p.segments
	}
	return nil
}

func (a *Archive) part(q task.Queue, n int) *partition {
	if ps := a.parts[q]; n >= 0 && n < len(ps) {
		return ps[n]
	}
	return nil
}

// manifests reads those whose names begin with prefix, ordered by queue, partition
// and lsn; those that are known by their names are not read again. A foreign one is an
// error: what it stands for would be left out.
func manifests(ctx context.Context, b replay.Bucket, prefix string, known map[string]*Manifest) ([]*Manifest, error) {
	var all []*Manifest
	for m, err := range eachManifest(ctx, b, prefix, known) {
		if err == nil && m.name != m.want() {
			err = fmt.Errorf("manifest %s is %w: it belongs to %s", m.name, ErrDamaged, m.want())
		}
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return sorted(all), nil
}

func sorted(all []*Manifest) []*Manifest {
	slices.SortStableFunc(all, func(a, b *Manifest) int { return strings.Compare(order(a), order(b)) })
	return all
}

// eachManifest reads the objects that stand where manifests do.
func eachManifest(ctx context.Context, b replay.Bucket, prefix string, known map[string]*Manifest) iter.Seq2[*Manifest, error] {
	return func(yield func(*Manifest, error) bool) {
		for name, err := range b.List(ctx, prefix) {
			if err == nil && turnOf(name) != manifestTurn {
				continue
			}
			m := known[name]
			var body []byte
			if err == nil && m == nil {
				if body, err = b.Get(ctx, name, 0, -1); err == nil {
					m, err = parseManifest(name, body)
				}
			}
			if !yield(m, err) {
				return
			}
		}
	}
}

func order(m *Manifest) string {
	return fmt.Sprintf("%s %05d %015d", m.Queue, m.Partition, m.From.LSN)
}
