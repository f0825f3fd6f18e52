package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidemill/tidemill/replay"
)

// Dir is a [replay.Bucket] in a local directory. Put writes beside the name,
// syncs, and links: another process sees all of an object or nothing, and only
// one of two that put the same name succeeds.
type Dir string

var _ replay.Bucket = Dir("")

// partial begins the names of objects that are being written.
const partial = ".partial-"

func (d Dir) path(name string) (string, error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return "", fmt.Errorf("archive %s: name %q leads out of it", string(d), name)
	}
	return filepath.Join(string(d), filepath.FromSlash(name)), nil
}

// Put implements [replay.Bucket].
func (d Dir) Put(_ context.Context, name string, content []byte) error {
	path, err := d.path(name)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, partial)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			err = replay.ErrExists
		}
		return fmt.Errorf("put %s: %w", name, err)
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Get implements [replay.Bucket].
func (d Dir) Get(_ context.Context, name string, from, n int64) ([]byte, error) {
	path, err := d.path(name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = replay.ErrAbsent
		}
		return nil, fmt.Errorf("get %s: %w", name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if left := max(0, info.Size()-from); n < 0 || n > left {
		n = left
	}
	b := make([]byte, n)
	got, err := f.ReadAt(b, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("get %s: %w", name, err)
	}
	return b[:got], nil
}

// List implements [replay.Bucket].
func (d Dir) List(_ context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		root := string(d) + string(filepath.Separator) // behind a symbolic link too
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(string(d), path)
			name := filepath.ToSlash(rel)
			switch {
			case err != nil:
				return err
			case e.IsDir() && name != "." && !strings.HasPrefix(name+"/", prefix) && !strings.HasPrefix(prefix, name+"/"):
				return fs.SkipDir
			case e.IsDir() || !strings.HasPrefix(name, prefix) || strings.HasPrefix(e.Name(), partial):
				return nil
			case !yield(name, nil):
				return fs.SkipAll
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			yield("", fmt.Errorf("list %s: %w", string(d), err))
		}
	}
}

// Delete implements [replay.Bucket].
func (d Dir) Delete(_ context.Context, name string) error {
	path, err := d.path(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncDir(filepath.Dir(path))
}
