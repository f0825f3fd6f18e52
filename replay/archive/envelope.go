package archive

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/task"
)

// An envelope is a log entry in canonical bytes, the leaf of the Merkle tree:
//
//	1 | uvarint ms | uvarint lsn | shape | values
//
// Of the shapes of births (1) and events (2) the values alone are there, in the
// order of the format; of any other shape (0) names and values in turn. Each has
// its length before it, a uvarint. Instead of a payload that is not empty stands
// its commitment, HMAC-SHA256 under a random salt of its own: payload and salt lie
// beside the envelope, and when both are gone the envelope still proves what it did.
// Of a payload that was redacted before it was archived the commitment is zeroes.
const (
	envelopeVersion = 1

	shapeOther = 0
	shapeBirth = 1
	shapeEvent = 2

	saltSize       = 16
	commitmentSize = sha256.Size
)

var errEnvelope = fmt.Errorf("entry is %w", ErrDamaged)

// payloadField is the name of the field that is kept apart.
var payloadField = wire.BirthFields[2]

// commit is what stands in an envelope for a payload.
func commit(salt, payload []byte) []byte {
	h := hmac.New(sha256.New, salt)
	h.Write(payload)
	return h.Sum(nil)
}

// shape is that of an entry with these names, in this order.
func shape(f wire.Fields) byte {
	for i, schema := range [][]string{wire.BirthFields, wire.EventFields} {
		named := len(f) == 2*len(schema)
		for j := 0; named && j < len(schema); j++ {
			named = string(f[2*j]) == schema[j]
		}
		if named {
			return byte(i) + shapeBirth
		}
	}
	return shapeOther
}

// payloadOf is where the payload of an entry stands; -1: it has none.
func payloadOf(f wire.Fields) int {
	if i := payloadAt(f); i >= 0 && len(f[i]) > 0 {
		return i
	}
	return -1
}

// payloadAt is where the field of that name stands, or -1.
func payloadAt(f wire.Fields) int {
	for i := 0; i+1 < len(f); i += 2 {
		if string(f[i]) == payloadField {
			return i + 1
		}
	}
	return -1
}

// appendEnvelope appends that of an entry whose payload has been replaced.
func appendEnvelope(b []byte, e *task.Entry) []byte {
	s := shape(e.Fields)
	b = append(b, envelopeVersion)
	b = binary.AppendUvarint(b, uint64(e.At.Ms))
	b = binary.AppendUvarint(b, uint64(e.At.LSN))
	b = append(b, s)
	for i, v := range e.Fields {
		if s == shapeOther || i%2 == 1 {
			b = binary.AppendUvarint(b, uint64(len(v)))
			b = append(b, v...)
		}
	}
	return b
}

// opener reads envelopes; what it returns is good until the next.
type opener struct{ fields wire.Fields }

// names of the shapes that have a schema.
var names = [][][]byte{shapeBirth: bytesOf(wire.BirthFields), shapeEvent: bytesOf(wire.EventFields)}

func bytesOf(words []string) (out [][]byte) {
	for _, w := range words {
		out = append(out, []byte(w))
	}
	return out
}

// open reads one envelope. In place of a payload stands its commitment.
func (o *opener) open(b []byte) (e task.Entry, err error) {
	if len(b) < 4 || b[0] != envelopeVersion {
		return e, errEnvelope
	}
	b = b[1:]
	for _, into := range []*int64{&e.At.Ms, &e.At.LSN} {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > 1<<62 {
			return e, errEnvelope
		}
		*into, b = int64(v), b[n:]
	}
	if len(b) == 0 || b[0] > shapeEvent {
		return e, errEnvelope
	}
	schema := names[b[0]]
	b, o.fields = b[1:], o.fields[:0]
	for i := 0; len(b) > 0; i++ {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > uint64(len(b)-n) {
			return e, errEnvelope
		}
		if schema != nil {
			if i >= len(schema) {
				return e, errEnvelope
			}
			o.fields = append(o.fields, schema[i])
		}
		o.fields = append(o.fields, b[n:n+int(v)])
		b = b[n+int(v):]
	}
	if schema != nil && len(o.fields) != 2*len(schema) {
		return e, errEnvelope
	}
	e.Fields = o.fields
	return e, nil
}

// sealed is an entry on its way into a segment.
type sealed struct {
	at            task.Position
	envelope      []byte
	salt, payload []byte // nil: it has none
}

// sealer splits entries into envelopes and payloads. What it returns is good until
// the next.
type sealer struct {
	fields   wire.Fields
	envelope []byte
	salts    []byte // that were not used yet
}

// saltsAtOnce are asked of the system.
const saltsAtOnce = 256

func (s *sealer) seal(e task.Entry) sealed {
	x := sealed{at: e.At}
	if i := payloadAt(e.Fields); i >= 0 && (e.Erased || len(e.Fields[i]) > 0) {
		commitment := make([]byte, commitmentSize)
		if !e.Erased {
			x.salt, x.payload = s.salt(), e.Fields[i]
			commitment = commit(x.salt, x.payload)
		}
		s.fields = append(s.fields[:0], e.Fields...)
		s.fields[i], e.Fields = commitment, s.fields
	}
	s.envelope = appendEnvelope(s.envelope[:0], &e)
	x.envelope = s.envelope
	return x
}

func (s *sealer) salt() []byte {
	if len(s.salts) == 0 {
		s.salts = make([]byte, saltsAtOnce*saltSize)
		rand.Read(s.salts) //nolint:errcheck // it never fails
	}
	x := s.salts[:saltSize:saltSize]
	s.salts = s.salts[saltSize:]
	return x
}
