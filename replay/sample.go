package replay

import (
	"encoding/binary"
	"math"

	"github.com/tidemill/tidemill/task"
)

// sampled reports whether a task is of the sample: by a hash of its id, so that
// every event of it is, and in every run. A larger fraction has all of a smaller.
func sampled(id task.ID, fraction float64) bool {
	h := mix(binary.BigEndian.Uint64(id[:8]) ^ mix(binary.BigEndian.Uint64(id[8:])))
	return float64(h) < fraction*math.MaxUint64
}

// mix is the finalizer of SplitMix64, which spreads ids that differ in few bits.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
