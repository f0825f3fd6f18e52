package task

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"
)

// ID is a task's name and its address: a ULID that packs
//
//	ms:48 | partition:16 | epoch:16 | lsn:48
//
// of the task's birth entry, so any task is found by one range read and no
// index exists. IDs of one partition sort in the order of their births. An ID
// is an address, never a capability: whoever knows one can guess its neighbours.
type ID [16]byte

// Partition is a partition's number in the registry of its namespace.
type Partition uint16

// NewID returns the id of the task born in the entry at.
func NewID(p Partition, epoch uint16, at Position) ID {
	var id ID
	binary.BigEndian.PutUint64(id[:8], uint64(at.Ms)<<16|uint64(p))
	binary.BigEndian.PutUint64(id[8:], uint64(epoch)<<48|uint64(at.LSN)&(1<<48-1))
	return id
}

// ParseID reads the 26 characters of an id. Errors wrap [ErrInvalidID].
func ParseID(s string) (ID, error) {
	u, err := ulid.ParseStrict(s)
	if err != nil {
		return ID{}, fmt.Errorf("%w: %q", ErrInvalidID, clip(s))
	}
	return ID(u), nil
}

// String returns the 26 characters of Crockford's base 32.
func (id ID) String() string { return ulid.ULID(id).String() }

// IsZero reports whether id names no task.
func (id ID) IsZero() bool { return id == ID{} }

// Birth is where the task's first entry stands.
func (id ID) Birth() Position {
	return Position{Ms: int64(binary.BigEndian.Uint64(id[:8]) >> 16), LSN: id.LSN()}
}

// LSN is the log sequence number of the task's first entry.
func (id ID) LSN() int64 { return int64(binary.BigEndian.Uint64(id[8:]) & (1<<48 - 1)) }

// Partition is the partition the task lives in.
func (id ID) Partition() Partition { return Partition(binary.BigEndian.Uint16(id[6:8])) }

// Epoch is the epoch the task was born in.
func (id ID) Epoch() uint16 { return binary.BigEndian.Uint16(id[8:10]) }

// Time is when the task was enqueued, by the clock of Redis.
func (id ID) Time() time.Time { return time.UnixMilli(id.Birth().Ms) }

// MarshalText and UnmarshalText make ids strings in JSON.
func (id ID) MarshalText() ([]byte, error) { return ulid.ULID(id).MarshalText() }

// UnmarshalText is the reverse of MarshalText.
func (id *ID) UnmarshalText(b []byte) error {
	got, err := ParseID(string(b))
	*id = got
	return err
}
