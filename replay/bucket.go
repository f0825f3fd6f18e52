package replay

import (
	"context"
	"errors"
	"iter"
)

// Errors of a [Bucket].
var (
	ErrExists = errors.New("object exists already")
	ErrAbsent = errors.New("no such object")
)

// Bucket is where an archive lies: a directory, or a store of objects. Names are
// paths with slashes. An object appears whole or not at all, and what Put has
// acknowledged survives a crash.
type Bucket interface {
	// Put writes an object that must not be there yet: [ErrExists].
	Put(ctx context.Context, name string, content []byte) error
	// Get reads n bytes of an object from an offset on; all that follow if n < 0.
	// [ErrAbsent] if there is none; fewer bytes than asked for is no error.
	Get(ctx context.Context, name string, from, n int64) ([]byte, error)
	// List names the objects whose names begin with prefix, in order.
	List(ctx context.Context, prefix string) iter.Seq2[string, error]
	// Delete removes an object. That it is not there is no error.
	Delete(ctx context.Context, name string) error
}
