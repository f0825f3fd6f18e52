package archive

import (
	"crypto/sha256"
	"encoding/hex"

	"golang.org/x/mod/sumdb/tlog"
)

// nodeLevel is the level of the tree whose nodes are stored with the segment that
// completes them: what is below is computed from 256 envelopes, what is above from
// the nodes.
const nodeLevel = 8

// tree is the right edge of the Merkle tree of RFC 6962 over all envelopes of a
// partition: one hash for each complete subtree, the largest first.
type tree struct {
	size int64
	edge []tlog.Hash
}

// add appends a leaf. It returns the node of nodeLevel that this completes, if any.
func (t *tree) add(h tlog.Hash) (node tlog.Hash, complete bool) {
	t.edge = append(t.edge, h)
	t.size++
	for level, n := 1, t.size; n&1 == 0; level, n = level+1, n>>1 {
		last := len(t.edge) - 1
		t.edge = append(t.edge[:last-1], tlog.NodeHash(t.edge[last-1], t.edge[last]))
		if level == nodeLevel {
			node, complete = t.edge[last-1], true
		}
	}
	return node, complete
}

// root is the hash of the whole tree.
func (t *tree) root() tlog.Hash {
	if len(t.edge) == 0 {
		return tlog.Hash(sha256.Sum256(nil))
	}
	h := t.edge[len(t.edge)-1]
	for i := len(t.edge) - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.edge[i], h)
	}
	return h
}

func digest(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}
