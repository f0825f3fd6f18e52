package archive

import (
	"archive/zip"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/tidemill/tidemill/replay"
)

// Zip is an archive in one file, as [Pack] writes it: to be handed over, and read
// like any other. It is a [replay.Bucket] that is only read.
type Zip struct {
	path  string
	names []string // in order
	at    map[string]extent
}

// extent is where an object stands in the file.
type extent struct{ from, size int64 }

var _ replay.Bucket = (*Zip)(nil)

// OpenZip reads what is in a file. Its objects must be stored as they are, each once
// and in a place of its own: segments are compressed already.
func OpenZip(file string) (*Zip, error) {
	r, err := zip.OpenReader(file)
	if err != nil {
		return nil, fmt.Errorf("archive %s: %w", file, err)
	}
	defer r.Close()
	z := &Zip{path: file, at: map[string]extent{}}
	for _, f := range r.File {
		if strings.HasSuffix(f.Name, "/") { // a folder
			continue
		}
		from, err := f.DataOffset()
		if err == nil && f.Method != zip.Store {
			err = fmt.Errorf("%s is compressed: %w", f.Name, zip.ErrAlgorithm)
		}
		if err != nil {
			return nil, fmt.Errorf("archive %s: %w", file, err)
		}
		z.names = append(z.names, f.Name)
		z.at[f.Name] = extent{from, int64(f.UncompressedSize64)}
	}
	if !z.sound() {
		return nil, fmt.Errorf("archive %s: %w: two objects share a name or a place", file, zip.ErrFormat)
	}
	slices.Sort(z.names)
	return z, nil
}

// sound reports whether no two objects share a name or a place: a small file could
// stand for a large archive.
func (z *Zip) sound() bool {
	places := slices.SortedFunc(maps.Values(z.at), func(a, b extent) int { return cmp.Compare(a.from, b.from) })
	end := int64(0)
	for _, e := range places {
		if e.from < end || e.size < 0 {
			return false
		}
		end = e.from + e.size
	}
	return len(places) == len(z.names)
}

// Get implements [replay.Bucket].
func (z *Zip) Get(_ context.Context, name string, from, n int64) ([]byte, error) {
	e, ok := z.at[name]
	if !ok {
		return nil, fmt.Errorf("get %s: %w", name, replay.ErrAbsent)
	}
	if left := max(0, e.size-from); n < 0 || n > left {
		n = left
	}
	f, err := os.Open(z.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.NewSectionReader(f, e.from+from, n)) // what the file says of sizes may be a lie
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", name, err)
	}
	return b, nil
}

// List implements [replay.Bucket].
func (z *Zip) List(_ context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, name := range z.names {
			if strings.HasPrefix(name, prefix) && !yield(name, nil) {
				return
			}
		}
	}
}

// Put fails: [errors.ErrUnsupported].
func (z *Zip) Put(_ context.Context, name string, _ []byte) error { return z.readOnly("put", name) }

// Delete fails: [errors.ErrUnsupported].
func (z *Zip) Delete(_ context.Context, name string) error { return z.readOnly("delete", name) }

func (z *Zip) readOnly(verb, name string) error {
	return fmt.Errorf("%s %s: %s is only read: %w", verb, name, z.path, errors.ErrUnsupported)
}

// Pack writes an archive, and nothing else that lies beside it, into one file, which
// [OpenZip] reads. It may grow meanwhile: what tells of other objects is listed before
// them. Of the same archive the file is the same to the byte.
func Pack(ctx context.Context, b replay.Bucket, w io.Writer) error {
	z := zip.NewWriter(w)
	for turn := range turns {
		for name, err := range b.List(ctx, "") {
			if err == nil && turnOf(name) == turn {
				err = pack(ctx, b, z, name)
			}
			if err != nil {
				return fmt.Errorf("pack: %w", err)
			}
		}
	}
	return z.Close()
}

// turns of packing: checkpoints tell of manifests, and those of the rest.
const (
	turns        = 3
	manifestTurn = 1
)

// turnOf is when an object is packed; -1: it is none of an archive.
func turnOf(name string) int {
	switch ending := path.Ext(name); {
	case ending == ".note" && strings.HasPrefix(name, checkpointFolder):
		return 0
	case strings.Count(name, "/") != 2: // queue, partition, file
		return -1
	case ending == ".json":
		return manifestTurn
	case ending == ".seg", ending == ".pay", ending == ".fold":
		return 2
	}
	return -1
}

func pack(ctx context.Context, b replay.Bucket, z *zip.Writer, name string) error {
	content, err := b.Get(ctx, name, 0, -1)
	if err != nil {
		return err
	}
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
	if err != nil {
		return err
	}
	_, err = w.Write(content)
	return err
}
