// Package keys names every Redis key, once.
//
// All keys of a partition carry one hash tag, tm:{<ns>/<queue>/<n>}:, so that a
// script may touch them together on a Cluster. Each key has an owner and an end
// (docs/FORMAT.md); no engine ever scans for keys. Names of namespaces and queues
// hold neither '/' nor braces (task.ValidName), so two names never make one key.
package keys

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/tidemill/tidemill/task"
)

// Group is the one consumer group of every stream t.
const Group = "workers"

// ChunkBits: an index chunk holds the slots of 2^13 births.
const ChunkBits = 13

// ChunkSlots is the number of slots of a chunk, SlotBytes the size of one.
const (
	ChunkSlots = 1 << ChunkBits
	SlotBytes  = 8
)

// Partition holds the names of one partition's keys.
type Partition struct {
	Number task.Partition
	Queue  task.Queue

	Tasks    string // t  stream  every deliverable entry
	Events   string // e  stream  every other entry
	Waiting  string // z  zset    waiting task ids by due ms
	Copies   string // d  hash    what release needs of waiting tasks and the log does not hold
	Meta     string // m  hash    schema, token, clock, floor, counters
	Members  string // f  hash    consumer → record
	Cancels  string // c  zset    lsn of births asked to be cancelled → lsn of the request
	Dead     string // x  zset    dead ids by time
	Graves   string // y  hash    what requeue needs of the dead
	Cursors  string // k  hash    registered cursors
	Wake     string // w  list    at most one element: an earlier due was added
	Redacted string // r  zset    what is left of redacted entries, by ms

	prefix string
}

// New names the keys of partition n of a queue.
func New(ns string, q task.Queue, n task.Partition) *Partition {
	p := fmt.Sprintf("tm:{%s/%s/%d}:", ns, q, n)
	return &Partition{
		Number: n, Queue: q, prefix: p,
		Tasks: p + "t", Events: p + "e", Waiting: p + "z", Copies: p + "d", Meta: p + "m", Members: p + "f",
		Cancels: p + "c", Dead: p + "x", Graves: p + "y", Cursors: p + "k", Wake: p + "w", Redacted: p + "r",
	}
}

// Producer is the session of one producer (string, ends after a day unused).
func (p *Partition) Producer(name string) string { return p.prefix + "p:" + name }

// Chunk is the index chunk that holds the slot of the birth with this lsn.
func (p *Partition) Chunk(lsn int64) string {
	return p.prefix + "o:" + strconv.FormatInt(lsn>>ChunkBits, 10)
}

// Unique maps an idempotency key to its task (string, ends by its own TTL).
func (p *Partition) Unique(t task.Type, key string) string {
	h := sha1.New()
	h.Write([]byte(t))
	h.Write([]byte{0})
	h.Write([]byte(key))
	return p.prefix + "u:" + hex.EncodeToString(h.Sum(nil))
}

// Role is the soft lease of a role such as releaser (string, PX).
func (p *Partition) Role(role string) string { return p.prefix + "l:" + role }

// Registry maps queue names to partition numbers (hash, one a namespace).
func Registry(ns string) string { return "tm:{" + ns + "}:queues" }

// Nodes lists live nodes by the ms at which they expire (zset, one a namespace).
func Nodes(ns string) string { return "tm:{" + ns + "}:nodes" }

// Node is what one node says of itself (string, PX).
func Node(ns, name string) string { return "tm:{" + ns + "}:node:" + name }

// Pattern matches all keys of a namespace, of its partitions and its own: the name
// holds no character that a pattern gives a meaning to.
func Pattern(ns string) string { return "tm:{" + ns + "[/}]*" }
