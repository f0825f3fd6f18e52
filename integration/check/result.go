package check

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"

	"github.com/tidemill/tidemill/integration/history"
)

// digestBytes is how much of a SHA-256 an outcome keeps.
const digestBytes = 16

// digestOf is that of one value which a handler reported.
func digestOf(value string) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(len(value)))
	sum := sha256.Sum256(append(b, value...))
	return sum[:digestBytes]
}

// result checks that a success has the digest of what its handler reported, if
// it did: the handlers of a run report the tag of their task.
func (c *checker) result(v verdict, effects []history.Effect) {
	if v.result == nil || len(effects) == 0 {
		return
	}
	if tag := effects[0].Tag; !bytes.Equal(v.result, digestOf(tag)) {
		c.violate("plan", "%s (%s) succeeded at %s with result %x, want %x", v.id, tag, v.at, v.result, digestOf(tag))
	}
}
