package archive

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/task"
)

// Bounds of one segment.
const (
	maxEntries  = 1 << 16
	maxEnvelope = 8 << 20  // bytes of envelopes, unpacked
	maxPayload  = 32 << 20 // and of payloads
)

// segment collects entries with consecutive lsns of one life.
//
// Its file is frames of envelopes, then their bloom filters, then the nodes of the
// tree that it completes. The payload file has a frame for each of those frames,
// with a record for each envelope that has a payload: lsn as a uvarint, salt,
// payload. Behind them stand the offsets of the frames and their number, eight
// bytes each, little-endian.
type segment struct {
	m        Manifest
	tree     tree
	seg, pay []byte
	offsets  []byte // of the frames of pay
	records  []byte // of the frame being filled
	payloads []byte
	keys     []uint64 // of the frame being filled
	filters  []byte
	nodes    []byte
	raw      int // bytes taken so far
	rawPay   int
	sealer   sealer
}

// newSegment begins the segment that comes after prev in the tree.
func newSegment(base Manifest, after tree, prev string) *segment {
	base.Token, base.Prev = token(), prev
	return &segment{m: base, tree: tree{after.size, slices.Clone(after.edge)}}
}

func token() string {
	var b [8]byte
	rand.Read(b[:]) //nolint:errcheck // it never fails
	return hex.EncodeToString(b[:])
}

// full reports whether the segment should be written.
func (s *segment) full() bool {
	return s.m.Entries >= maxEntries || s.raw >= maxEnvelope || s.rawPay >= maxPayload
}

// begins reports whether an entry must begin a segment of its own: another life,
// or a gap.
func (s *segment) begins(at task.Position, events []task.Event) bool {
	return s.m.Entries > 0 && (at.LSN != s.m.To.LSN+1 || opensEpoch(&events[0]))
}

// add takes an entry; events is what it says.
func (s *segment) add(e task.Entry, events []task.Event) { s.put(s.sealer.seal(e), events) }

func (s *segment) put(x sealed, events []task.Event) {
	if s.m.Entries == 0 {
		s.m.From = x.at
		if opensEpoch(&events[0]) {
			s.m.Epoch, s.m.Survived = life(&events[0])
		}
	}
	if len(s.records) == 0 {
		s.m.Frames = append(s.m.Frames, FrameInfo{Offset: int64(len(s.seg)), From: x.at})
		s.offsets = binary.LittleEndian.AppendUint64(s.offsets, uint64(len(s.pay)))
	}
	s.m.To, s.m.Entries, s.m.Events = x.at, s.m.Entries+1, s.m.Events+int64(len(events))
	s.records = appendChecked(s.records, x.envelope)
	if x.salt != nil {
		s.payloads = appendBody(s.payloads, x.at.LSN, body{x.salt, x.payload})
	}
	for i := range events {
		switch k := &events[i]; {
		case !k.Task.IsZero():
			s.keys = append(s.keys, keyOf(k.Task))
		case !k.Prev.IsZero():
			s.keys = append(s.keys, entryKey(k.Prev))
		}
	}
	if node, ok := s.tree.add(tlog.RecordHash(x.envelope)); ok {
		s.nodes = append(s.nodes, node[:]...)
	}
	s.raw, s.rawPay = s.raw+len(x.envelope), s.rawPay+len(x.payload)
	if len(s.records) >= frameSize {
		s.flush()
	}
}

func opensEpoch(e *task.Event) bool { return e.Kind == task.EpochStarted || e.Kind == task.Recovered }

// life reads an event that opens an epoch: which it is, and what survived of the
// log before it, where it tells.
func life(e *task.Event) (epoch, survived int64) {
	token := string(e.Extra)
	if e.Kind == task.EpochStarted {
		parts, err := wire.Split(token)
		if err != nil || len(parts) < 4 {
			return 0, 0
		}
		token = parts[1]
		if e.Reason != "created" {
			survived, _ = strconv.ParseInt(parts[2], 10, 64)
		}
	}
	return epochOf(token), survived
}

// epochOf reads the epoch off a token.
func epochOf(token string) int64 {
	n, _ := strconv.ParseInt(token[strings.LastIndexByte(token, '.')+1:], 10, 64)
	return n
}

// flush packs the frame that was being filled.
func (s *segment) flush() {
	if len(s.records) == 0 {
		return
	}
	filter := newBloom(s.keys)
	s.m.Frames[len(s.m.Frames)-1].Filter = int64(len(filter))
	s.filters = append(s.filters, filter...)
	s.keys = s.keys[:0]
	s.seg, s.records = appendFrame(s.seg, s.records), s.records[:0]
	s.pay, s.payloads = appendFrame(s.pay, s.payloads), s.payloads[:0]
}

// finish completes both files and the manifest.
func (s *segment) finish() {
	s.flush()
	s.m.Bloom = [2]int64{int64(len(s.seg)), int64(len(s.filters))}
	s.seg = append(s.seg, s.filters...)
	s.m.Hashes = [2]int64{int64(len(s.seg)), int64(len(s.nodes))}
	s.seg = append(s.seg, s.nodes...)
	s.pay = append(s.pay, s.offsets...)
	s.pay = binary.LittleEndian.AppendUint64(s.pay, uint64(len(s.m.Frames)))
	sum := sha256.Sum256(s.seg)
	s.m.Format, s.m.Bytes, s.m.SHA256 = manifestFormat, int64(len(s.seg)), hex.EncodeToString(sum[:])
	s.m.Segment = segmentName(s.m.Epoch, s.m.From.LSN, s.m.To.LSN, s.m.Token)
	s.m.Size, s.m.Edge, s.m.Root = s.tree.size, s.tree.edge, s.tree.root()
}
