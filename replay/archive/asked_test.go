package archive_test

import (
	"context"
	"iter"
	"testing"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/archive"
)

// counted is a bucket that counts what is asked of it.
type counted struct {
	replay.Bucket
	gets, lists int
}

func (c *counted) Get(ctx context.Context, name string, from, n int64) ([]byte, error) {
	c.gets++
	return c.Bucket.Get(ctx, name, from, n)
}

func (c *counted) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	c.lists++
	return c.Bucket.List(ctx, prefix)
}

// expect compares what was asked since the last time.
func (c *counted) expect(t *testing.T, what string, gets, lists int) {
	t.Helper()
	if c.gets > gets || c.lists > lists {
		t.Errorf("%s: %d objects read, %d lists, want at most %d and %d", what, c.gets, c.lists, gets, lists)
	}
	c.gets, c.lists = 0, 0
}

// What is asked of a bucket grows with the segments, and no list of names is asked for
// a segment: many small ones, as a quiet queue writes them, stay quick.
func TestAsked(t *testing.T) {
	t.Parallel()
	const segments = 40
	l, b := newFakeLog(), &counted{Bucket: archive.Dir(t.TempDir())}
	for range segments {
		l.succeed(l.birth())
		if err := l.archiveInto(t, b); err != nil {
			t.Fatal(err)
		}
	}
	private, public, err := archive.NewKey("auditor")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := archive.NewSigner(b, private, public)
	if err != nil {
		t.Fatal(err)
	}
	b.gets, b.lists = 0, 0
	sign := func() {
		if _, err := signer.Sign(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	sign()
	b.expect(t, "first checkpoint", 2*segments+1, 2)
	sign()
	b.expect(t, "heartbeat", 0, 1)

	l.succeed(l.birth())
	if err := l.archiveInto(t, b); err != nil {
		t.Fatal(err)
	}
	b.gets, b.lists = 0, 0
	sign()
	b.expect(t, "checkpoint of a new segment", 2, 1)

	a, err := archive.Open(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	b.expect(t, "open", segments+1, 1)
	if _, err := replay.Fold(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	b.expect(t, "fold", 3*(segments+1), 0)
	if r, err := archive.Verify(t.Context(), b, nil); err != nil || !r.OK() {
		t.Fatal(r, err)
	}
	b.expect(t, "verify", 4*(segments+1), 1)
}
