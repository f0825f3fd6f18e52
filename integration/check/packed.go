package check

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var errPacked = errors.New("packed items end too soon or say too much")

// varints reads one number after the other and remembers that one was missing.
type varints struct {
	rest []byte
	bad  bool
}

func (v *varints) unsigned() uint64 {
	n, size := binary.Uvarint(v.rest)
	if size <= 0 {
		v.bad, v.rest = true, nil
		return 0
	}
	v.rest = v.rest[size:]
	return n
}

func (v *varints) zigzag() int64 {
	n := v.unsigned()
	return int64(n>>1) ^ -int64(n&1)
}

// take reads bytes as they are.
func (v *varints) take(n int) []byte {
	if n > len(v.rest) {
		v.bad, v.rest = true, nil
		return nil
	}
	b := v.rest[:n]
	v.rest = v.rest[n:]
	return b
}

// unpack gives one event per success of an entry.
func unpack(e event, partition int) ([]event, error) {
	if e.n < 1 || e.n > 256 {
		return nil, fmt.Errorf("%d successes in one entry", e.n)
	}
	base, v := e.prev, varints{rest: e.extra}
	out := make([]event, e.n)
	for i := range out {
		one := &out[i]
		*one = e
		one.item = i
		epoch := v.unsigned()
		birth := pos{base.ms + v.zigzag(), base.lsn + v.zigzag()}
		flags := v.unsigned()
		if flags == 0 { // no attempt is the zeroth: a digest stands before it
			one.result = v.take(digestBytes)
			flags = v.unsigned()
		}
		v.bad = v.bad || flags == 0
		v.unsigned() // how long it ran
		one.id, one.prev, one.attempt = makeID(birth, partition, epoch), birth, int(flags>>2)
		if flags&2 != 0 {
			one.prev = pos{base.ms + v.zigzag(), base.lsn + v.zigzag()}
		}
		if flags&1 != 0 {
			v.unsigned() // crashes
		}
	}
	if v.bad || len(v.rest) > 0 {
		return nil, errPacked
	}
	return out, nil
}
