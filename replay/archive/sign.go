package archive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/tidemill/tidemill/replay"
)

// ErrTampered: what is in the archive is not what was put there.
var ErrTampered = errors.New("tampered")

// Signer signs the checkpoints of an archive. Its key belongs where neither the
// workers nor Redis are.
type Signer struct {
	bucket replay.Bucket
	key    note.Signer
	keys   note.Verifiers
	last   *Checkpoint
	done   map[string]int // segments of each partition that the last one covers
	read   map[string]*Manifest
	now    func() time.Time
}

// NewSigner makes a signer of a private key as [NewKey] makes it, and the public
// key that belongs to it.
func NewSigner(bucket replay.Bucket, private, public string) (*Signer, error) {
	key, err := note.NewSigner(private)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	v, err := note.NewVerifier(public)
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	if v.Name() != key.Name() || v.KeyHash() != key.KeyHash() {
		return nil, errors.New("public key: it does not belong to the private one")
	}
	return &Signer{bucket: bucket, key: key, keys: note.VerifierList(v), done: map[string]int{}, now: time.Now}, nil
}

// Sign writes the next checkpoint. It signs nothing it has not seen: segments that
// are new since the last checkpoint are read and must continue the trees that were
// signed; else [ErrTampered].
func (s *Signer) Sign(ctx context.Context) (*Checkpoint, error) {
	a, err := s.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if s.last == nil {
		if s.last, err = lastCheckpoint(ctx, s.bucket, s.keys); err != nil {
			return nil, fmt.Errorf("sign: %w", err)
		}
	}
	c := &Checkpoint{Namespace: a.namespace, Number: 1, Prev: "-", Time: s.now()}
	if s.last != nil {
		c.Number, c.Prev = s.last.Number+1, s.last.sum
	}
	if s.last != nil && s.last.Namespace != c.Namespace {
		return nil, fmt.Errorf("sign: %w: it was of namespace %q", ErrTampered, s.last.Namespace)
	}
	for part, p := range a.all() {
		t, err := s.tree(ctx, c.Namespace, part, p)
		if err != nil {
			return nil, fmt.Errorf("sign %s: %w", part, err)
		}
		c.Trees = append(c.Trees, t)
	}
	if s.last != nil && len(c.Trees) < len(s.last.Trees) {
		return nil, fmt.Errorf("sign: %w: partitions that were signed are gone", ErrTampered)
	}
	body, err := note.Sign(&note.Note{Text: c.text()}, s.key)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if err := s.bucket.Put(ctx, checkpointName(c.Number), body); err != nil {
		s.last = nil // another signer: go on behind it
		return nil, fmt.Errorf("sign: %w", err)
	}
	c.sum = digest(body)
	s.last = c
	return c, nil
}

// open is [Open] that reads no manifest twice: they are never written again.
func (s *Signer) open(ctx context.Context) (*Archive, error) {
	ms, err := manifests(ctx, s.bucket, "", s.read)
	if err != nil {
		return nil, err
	}
	s.read = make(map[string]*Manifest, len(ms))
	for _, m := range ms {
		s.read[m.name] = m
	}
	return assemble(s.bucket, ms)
}

// tree checks what is new in a partition, and says where it stands.
func (s *Signer) tree(ctx context.Context, namespace, part string, p *partition) (Tree, error) {
	before := Tree{}
	if s.last != nil {
		for _, t := range s.last.Trees {
			if t.Partition == part {
				before = t
			}
		}
	}
	v := &verification{bucket: s.bucket, report: &Report{Namespace: namespace}, part: part, quick: true, roots: map[int64]string{before.Size: ""}}
	n := s.done[part]
	if n > len(p.segments) {
		return Tree{}, fmt.Errorf("%w: segments are gone", ErrTampered)
	}
	if n > 0 {
		v.resume(p.segments[n-1])
	}
	for _, m := range p.segments[n:] {
		if err := v.segment(ctx, m); err != nil {
			return Tree{}, err
		}
	}
	if f := v.report.Findings; len(f) > 0 && f[0].Tampered {
		return Tree{}, fmt.Errorf("%w: %s", ErrTampered, f[0])
	}
	if got := v.roots[before.Size]; before.Size > 0 && got != before.Root.String() {
		return Tree{}, fmt.Errorf("%w: it does not continue what was signed at size %d", ErrTampered, before.Size)
	}
	s.done[part] = len(p.segments)
	last := p.segments[len(p.segments)-1]
	return Tree{Partition: part, Size: last.Size, Root: last.Root, To: last.To, Manifest: last.sum}, nil
}
