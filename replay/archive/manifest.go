package archive

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"path"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/tidemill/tidemill/task"
)

// Manifest says what a segment holds. Writing it is what makes the segment part of
// the archive: its name is the segment's place in the tree, so that of two archivers
// one wins. Each names the hash of the one before it and the root of the Merkle tree
// over all envelopes up to its end.
type Manifest struct {
	Format    int            `json:"format"`
	Namespace string         `json:"namespace"`
	Queue     task.Queue     `json:"queue"`
	Partition int            `json:"partition"` // from 0, within the queue
	Number    task.Partition `json:"number"`    // in the registry: task ids hold it
	Epoch     int64          `json:"epoch"`
	From      task.Position  `json:"from"`
	To        task.Position  `json:"to"`
	Entries   int64          `json:"entries"`
	Events    int64          `json:"events"`             // packed entries counted item by item
	Life      string         `json:"life"`               // of the server that it was read from
	Survived  int64          `json:"survived,omitempty"` // it begins a new life: what stands behind this lsn in the one before was lost
	Fold      string         `json:"fold,omitempty"`     // SHA-256 of the snapshot of what was before it

	Segment string      `json:"segment"` // file name
	Bytes   int64       `json:"bytes"`
	SHA256  string      `json:"sha256"`
	Token   string      `json:"token"` // of the payload files that belong to it
	Frames  []FrameInfo `json:"frames"`
	Bloom   [2]int64    `json:"bloom"`  // the filters of all frames: offset and length
	Hashes  [2]int64    `json:"hashes"` // of the nodes of level 8, offset and length

	Size int64       `json:"size"` // of the tree, this segment included
	Edge []tlog.Hash `json:"edge"` // its complete subtrees, the largest first
	Root tlog.Hash   `json:"root"`
	Prev string      `json:"prev"` // SHA-256 of the manifest before, empty in the first

	name string // its object
	sum  string // its own hash
}

// FrameInfo is where a frame begins, what it begins with, and the length of its
// bloom filter.
type FrameInfo struct {
	Offset int64         `json:"offset"`
	From   task.Position `json:"from"`
	Filter int64         `json:"filter"`
}

const manifestFormat = 1

// Names of objects. All of a partition lie in one folder.
func folder(q task.Queue, n int) string { return path.Join(string(q), strconv.Itoa(n)) + "/" }

// manifestName: how many entries are before it, in whatever epoch. So nothing but one
// segment can follow another.
func manifestName(q task.Queue, n int, first int64) string {
	return fmt.Sprintf("%s%015d.json", folder(q, n), first)
}

func segmentName(epoch, from, to int64, token string) string {
	return fmt.Sprintf("%05d-%015d-%015d.%s.seg", epoch, from, to, token)
}

// payloadName: generations begin with 0; a redaction writes the next.
func payloadName(q task.Queue, n int, epoch, from int64, token string, generation int) string {
	return fmt.Sprintf("%s%05d-%015d.%s.%06d.pay", folder(q, n), epoch, from, token, generation)
}

func (m *Manifest) object() string { return folder(m.Queue, m.Partition) + m.Segment }

// want is the name that its object should have.
func (m *Manifest) want() string { return manifestName(m.Queue, m.Partition, m.first()) }

// first is the index of the segment's first envelope in the tree.
func (m *Manifest) first() int64 { return m.Size - m.Entries }

// place names the segment in messages.
func (m *Manifest) place() string {
	return fmt.Sprintf("%s/%d segment %s", m.Queue, m.Partition, m.Segment)
}

func (m *Manifest) encode() ([]byte, error) {
	b, err := json.MarshalIndent(m, "", " ")
	return append(b, '\n'), err
}

func parseManifest(name string, b []byte) (*Manifest, error) {
	m := &Manifest{name: name, sum: digest(b)}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("manifest %s is %w: %w", name, ErrDamaged, err)
	}
	if m.Format != manifestFormat {
		return nil, fmt.Errorf("manifest %s is %w or foreign: format %d is not understood, a newer version may", name, ErrDamaged, m.Format)
	}
	if !m.plausible() {
		return nil, fmt.Errorf("manifest %s is %w", name, ErrDamaged)
	}
	return m, nil
}

// maxPartitions is how many a namespace can number.
const maxPartitions = 1 << 16

// plausible reports whether a reader may go by what it says.
func (m *Manifest) plausible() bool {
	ok := m.Partition >= 0 && m.Partition < maxPartitions && len(m.Frames) > 0 && m.Entries > 0 && m.Size >= m.Entries &&
		m.To.LSN-m.From.LSN+1 == m.Entries && bits.OnesCount64(uint64(m.Size)) == len(m.Edge) &&
		task.ValidName("queue", string(m.Queue)) == nil && path.Base(m.Segment) == m.Segment &&
		m.Frames[0].Offset == 0 && m.Bloom[0] >= 0 && m.Bloom[1] >= 0 && m.Hashes[0] >= 0 && m.Hashes[1] >= 0
	filters := int64(0)
	for i, f := range m.Frames {
		filters += f.Filter
		ok = ok && f.Filter > 0 && f.Offset <= m.Bloom[0] && (i == 0 || f.Offset > m.Frames[i-1].Offset && f.From.LSN > m.Frames[i-1].From.LSN)
	}
	return ok && filters == m.Bloom[1]
}

// end is where a frame ends.
func (m *Manifest) end(i int) int64 {
	if i+1 < len(m.Frames) {
		return m.Frames[i+1].Offset
	}
	return m.Bloom[0]
}
