package archive

import (
	"slices"

	"github.com/tidemill/tidemill/task"
)

// bloom is a filter of what a frame speaks of: a task by the lsn of its birth,
// an entry by its own. Fourteen bits a key and seven probes let one in seven hundred
// pass that is not there (Bloom, 1970; two hashes as Kirsch and Mitzenmacher, 2006).
type bloom []byte

const (
	bloomBits   = 14
	bloomProbes = 7
)

// keyOf is the key of a task, entryKey that of an entry.
func keyOf(id task.ID) uint64          { return uint64(id.LSN()) }
func entryKey(at task.Position) uint64 { return uint64(at.LSN) | 1<<63 }

// newBloom makes the filter of some keys, which it sorts.
func newBloom(keys []uint64) bloom {
	slices.Sort(keys)
	keys = slices.Compact(keys)
	b := make(bloom, len(keys)*bloomBits/8+1)
	for _, k := range keys {
		b.probe(k, func(i uint64) bool { b[i/8] |= 1 << (i % 8); return true })
	}
	return b
}

func (b bloom) has(key uint64) bool {
	return len(b) > 0 && b.probe(key, func(i uint64) bool { return b[i/8]&(1<<(i%8)) != 0 })
}

// probe calls fn with each bit of a key while it says yes.
func (b bloom) probe(key uint64, fn func(uint64) bool) bool {
	h, step := mix(key), mix(key+1)|1
	for range bloomProbes {
		if !fn(h % uint64(len(b)*8)) {
			return false
		}
		h += step
	}
	return true
}

// mix is the finalizer of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
