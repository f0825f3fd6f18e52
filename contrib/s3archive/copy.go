package s3archive

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/tidemill/tidemill/replay"
)

// Copied is what [Copy] did.
type Copied struct {
	New     int // objects
	There   int // already, and left as they are
	Removed int // payloads that were erased in the archive since
}

// Copy brings a copy of an archive up to date. Objects never change, so what is there
// is not read again. It may be stopped anywhere and repeated, and what it has copied
// is an archive at any time:
//
//   - A manifest is copied behind what it names, a checkpoint behind what it signs.
//   - They are listed the other way round, so that nothing which an archiver writes
//     meanwhile is copied without what it needs.
//   - A payload that was erased is removed from the copy too.
func Copy(ctx context.Context, from, to replay.Bucket) (Copied, error) {
	var c Copied
	have, err := names(ctx, to)
	if err != nil {
		return c, fmt.Errorf("copy: %w", err)
	}
	there := map[string]bool{}
	for _, name := range have {
		there[name] = true
	}
	var ranks [3][]string
	for rank := len(ranks) - 1; rank >= 0; rank-- {
		all, err := names(ctx, from)
		if err != nil {
			return c, fmt.Errorf("copy: %w", err)
		}
		for _, name := range all {
			if rankOf(name) == rank {
				ranks[rank] = append(ranks[rank], name)
			}
		}
	}
	for _, all := range ranks {
		for _, name := range all {
			if there[name] {
				c.There++
				continue
			}
			if err := carry(ctx, from, to, name); err != nil {
				return c, fmt.Errorf("copy: %w", err)
			}
			c.New++
		}
	}
	c.Removed, err = removeErased(ctx, to, have, ranks[0])
	return c, err
}

// rankOf: data first, then manifests, then checkpoints.
func rankOf(name string) int {
	switch path.Ext(name) {
	case ".note":
		return 2
	case ".json":
		return 1
	}
	return 0
}

func names(ctx context.Context, b replay.Bucket) (all []string, err error) {
	for name, err := range b.List(ctx, "") {
		if err != nil {
			return nil, err
		}
		all = append(all, name)
	}
	return all, nil
}

func carry(ctx context.Context, from, to replay.Bucket, name string) error {
	content, err := from.Get(ctx, name, 0, -1)
	if errors.Is(err, replay.ErrAbsent) {
		return fmt.Errorf("%w: it was erased meanwhile, copy again", err)
	}
	if err != nil {
		return err
	}
	if err := to.Put(ctx, name, content); err != nil && !errors.Is(err, replay.ErrExists) {
		return err
	}
	return nil
}

// removeErased deletes payload files of which the archive has a later generation.
func removeErased(ctx context.Context, to replay.Bucket, have, data []string) (n int, err error) {
	newest := map[string]string{}
	for _, name := range data { // in order: the last one stays
		if series, ok := seriesOf(name); ok {
			newest[series] = name
		}
	}
	for _, name := range have {
		if series, ok := seriesOf(name); ok && name < newest[series] {
			if err := to.Delete(ctx, name); err != nil {
				return n, fmt.Errorf("copy: remove %s: %w", name, err)
			}
			n++
		}
	}
	return n, nil
}

// seriesOf is the name of a payload file without its generation.
func seriesOf(name string) (string, bool) {
	const ending = ".000000.pay"
	if path.Ext(name) != ".pay" || len(name) <= len(ending) {
		return "", false
	}
	return name[:len(name)-len(ending)], true
}
