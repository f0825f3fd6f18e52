package archive

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// Checkpoint is a signed statement: at this time the trees of all partitions had
// these sizes and roots. Each names the hash of the one before. One that repeats
// the sizes of the last proves that nothing happened in between.
//
// As text, a signed note of golang.org/x/mod/sumdb/note:
//
//	tidemill archive of NAMESPACE
//	checkpoint NUMBER of TIME after HASH
//	QUEUE/PARTITION SIZE ROOT POSITION MANIFEST
type Checkpoint struct {
	Namespace string
	Number    int64
	Time      time.Time
	Prev      string // SHA-256 of the note before; "-" in the first
	Trees     []Tree // in order of queue and partition

	sum string // of this note
}

// Tree is one partition of a [Checkpoint].
type Tree struct {
	Partition string // as QUEUE/0
	Size      int64
	Root      tlog.Hash
	To        task.Position // of the last entry
	Manifest  string        // SHA-256 of the last manifest
}

// NewKey makes a pair of keys: what signs, and what verifies and may be public.
// name says whose they are.
func NewKey(name string) (private, public string, err error) {
	if private, public, err = note.GenerateKey(nil, name); err == nil {
		_, err = ParseKey(public) // refuses some names
	}
	return private, public, err
}

// Key is a public key: it verifies what the private one has signed.
type Key = note.Verifier

// ParseKey reads a public key as [NewKey] makes it.
func ParseKey(text string) (Key, error) { return note.NewVerifier(text) }

const checkpointFolder = "checkpoints/"

func checkpointName(n int64) string { return fmt.Sprintf("%s%09d.note", checkpointFolder, n) }

func (c *Checkpoint) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "tidemill archive of %s\n", c.Namespace)
	fmt.Fprintf(&b, "checkpoint %d of %s after %s\n", c.Number, c.Time.UTC().Format(time.RFC3339Nano), c.Prev)
	for _, t := range c.Trees {
		fmt.Fprintf(&b, "%s %d %s %s %s\n", t.Partition, t.Size, t.Root, t.To, t.Manifest)
	}
	return b.String()
}

var errCheckpoint = errors.New("not a checkpoint")

// parseCheckpoint reads the text of one whose signature is good.
func parseCheckpoint(text string) (*Checkpoint, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 2 {
		return nil, errCheckpoint
	}
	c, at := &Checkpoint{}, ""
	if _, err := fmt.Sscanf(lines[0], "tidemill archive of %s", &c.Namespace); err != nil {
		return nil, errCheckpoint
	}
	if _, err := fmt.Sscanf(lines[1], "checkpoint %d of %s after %s", &c.Number, &at, &c.Prev); err != nil {
		return nil, errCheckpoint
	}
	var err error
	if c.Time, err = time.Parse(time.RFC3339Nano, at); err != nil {
		return nil, errCheckpoint
	}
	for _, line := range lines[2:] {
		f := strings.Fields(line)
		if len(f) != 5 {
			return nil, errCheckpoint
		}
		t := Tree{Partition: f[0], Manifest: f[4]}
		_, sizeErr := fmt.Sscan(f[1], &t.Size)
		var rootErr, toErr error
		t.Root, rootErr = tlog.ParseHash(f[2])
		t.To, toErr = task.ParsePosition(f[3])
		if errors.Join(sizeErr, rootErr, toErr) != nil {
			return nil, errCheckpoint
		}
		c.Trees = append(c.Trees, t)
	}
	return c, nil
}

// lastCheckpoint reads the newest; nil when there is none.
func lastCheckpoint(ctx context.Context, b replay.Bucket, keys note.Verifiers) (*Checkpoint, error) {
	last := ""
	for name, err := range b.List(ctx, checkpointFolder) {
		if err != nil {
			return nil, err
		}
		last = max(last, name)
	}
	if last == "" {
		return nil, nil
	}
	return readCheckpoint(ctx, b, last, keys)
}

func readCheckpoint(ctx context.Context, b replay.Bucket, name string, keys note.Verifiers) (*Checkpoint, error) {
	body, err := b.Get(ctx, name, 0, -1)
	if err != nil {
		return nil, err
	}
	c, err := openCheckpoint(body, keys)
	if err == nil && checkpointName(c.Number) != name {
		err = fmt.Errorf("%w of this number", errCheckpoint)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// OpenCheckpoint reads a checkpoint and verifies its signature. [ErrWrongKey] if it is
// another key's.
func OpenCheckpoint(body []byte, key Key) (*Checkpoint, error) {
	c, err := openCheckpoint(body, note.VerifierList(key))
	if errors.As(err, new(*note.UnverifiedNoteError)) {
		err = fmt.Errorf("signed by another key than %s: %w", key.Name(), ErrWrongKey)
	}
	return c, err
}

func openCheckpoint(body []byte, keys note.Verifiers) (*Checkpoint, error) {
	n, err := note.Open(body, keys)
	if err != nil {
		return nil, err
	}
	c, err := parseCheckpoint(n.Text)
	if err == nil {
		c.sum = digest(body)
	}
	return c, err
}
