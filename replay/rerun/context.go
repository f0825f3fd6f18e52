package rerun

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"sync"
)

// run is what a handler may ask and say of the replay it runs in.
type run struct {
	name string

	mu     sync.Mutex // guards result
	result hash.Hash  // nil: none was reported
}

type runKey struct{}

func withRun(ctx context.Context, r *run) context.Context { return context.WithValue(ctx, runKey{}, r) }

func runOf(ctx context.Context) *run {
	r, _ := ctx.Value(runKey{}).(*run)
	return r
}

// IsReplay reports whether a handler runs in a shadow run, where it should leave
// alone what others would notice.
func IsReplay(ctx context.Context) bool { return runOf(ctx) != nil }

// Name is the name of the shadow run that a handler runs in; empty outside of one.
func Name(ctx context.Context) string {
	if r := runOf(ctx); r != nil {
		return r.name
	}
	return ""
}

// Result reports a result of the handler, of which shadow runs keep and compare
// the digest. A handler may report several. Outside of a shadow run it does nothing.
func Result(ctx context.Context, b []byte) {
	r := runOf(ctx)
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.result == nil {
		r.result = sha256.New()
	}
	var size [8]byte // so that no two series of results are written alike
	binary.BigEndian.PutUint64(size[:], uint64(len(b)))
	r.result.Write(size[:])
	r.result.Write(b)
}

// digest is that of the results; empty if there is none.
func (r *run) digest() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.result == nil {
		return ""
	}
	return hex.EncodeToString(r.result.Sum(nil)[:16])
}
