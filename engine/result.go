package engine

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"

	"github.com/tidemill/tidemill/task"
)

// Result reports a result of the handler, of which the succeeded outcome keeps a
// digest: who runs the task again can tell whether the result is the same. A
// handler may report several; the digest is of all of them, in their order.
// Report what follows from the payload, not what differs with each run. A digest
// hides nothing from whoever can guess the result.
//
// A failure is recorded without a digest. Outside of a handler nothing happens.
func Result(ctx context.Context, b []byte) {
	c, ok := ctx.Value(currentKey{}).(*current)
	if !ok {
		return
	}
	if c.results.Load() == nil {
		c.results.CompareAndSwap(nil, &results{sum: sha256.New()})
	}
	c.results.Load().add(b)
}

// results are those of one attempt.
type results struct {
	mu  sync.Mutex // guards sum
	sum hash.Hash
}

func (r *results) add(b []byte) {
	var size [8]byte // so that no two series of results are written alike
	binary.BigEndian.PutUint64(size[:], uint64(len(b)))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Write(size[:])
	r.sum.Write(b)
}

// result is the digest of what the handler has reported.
func (c *current) result() (d task.Digest) {
	r := c.results.Load()
	if r == nil {
		return d
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	copy(d[:], r.sum.Sum(nil))
	return d
}
