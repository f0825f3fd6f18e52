package archive

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
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

// OpenZip reads what is in a file. Its objects must be stored as they are: segments
// are compressed already.
func OpenZip(path string) (*Zip, error) {
	r, err := zip.OpenReader(path)
	if err != nil {
		return nil, fmt.Errorf("archive %s: %w", path, err)
	}
	defer r.Close()
	z := &Zip{path: path, at: map[string]extent{}}
	for _, f := range r.File {
		if strings.HasSuffix(f.Name, "/") { // a folder
			continue
		}
		from, err := f.DataOffset()
		if err == nil && f.Method != zip.Store {
			err = fmt.Errorf("%s is compressed: %w", f.Name, zip.ErrAlgorithm)
		}
		if err != nil {
			return nil, fmt.Errorf("archive %s: %w", path, err)
		}
		z.names = append(z.names, f.Name)
		z.at[f.Name] = extent{from, int64(f.UncompressedSize64)}
	}
	slices.Sort(z.names)
	return z, nil
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

// Pack writes an archive into one file, which [OpenZip] reads. It may grow meanwhile:
// checkpoints are taken first, so what they cover is in. Of the same archive the file
// is the same to the byte.
func Pack(ctx context.Context, b replay.Bucket, w io.Writer) error {
	z := zip.NewWriter(w)
	for _, first := range []bool{true, false} {
		for name, err := range b.List(ctx, "") {
			if err == nil && strings.HasPrefix(name, checkpointFolder) == first {
				err = pack(ctx, b, z, name)
			}
			if err != nil {
				return fmt.Errorf("pack: %w", err)
			}
		}
	}
	return z.Close()
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
