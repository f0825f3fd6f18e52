package check

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/oklog/ulid/v2"
)

// pos is the id of an entry: MS-LSN.
type pos struct{ ms, lsn int64 }

func (p pos) String() string { return fmt.Sprintf("%d-%d", p.ms, p.lsn) }

func (p pos) zero() bool { return p == pos{} }

// before orders as streams do.
func (p pos) before(q pos) bool { return p.ms < q.ms || p.ms == q.ms && p.lsn < q.lsn }

// parsePos reads an entry id; empty is the zero position.
func parsePos(s string) (pos, error) {
	if s == "" {
		return pos{}, nil
	}
	a, b, ok := strings.Cut(s, "-")
	ms, err1 := strconv.ParseInt(a, 10, 64)
	lsn, err2 := strconv.ParseInt(b, 10, 64)
	if !ok || err1 != nil || err2 != nil || ms < 0 || lsn < 0 {
		return pos{}, fmt.Errorf("entry id %q", s)
	}
	return pos{ms, lsn}, nil
}

// makeID packs ms:48 | partition:16 | epoch:16 | lsn:48.
func makeID(at pos, partition int, epoch uint64) (id ulid.ULID) {
	binary.BigEndian.PutUint64(id[0:], uint64(at.ms)<<16|uint64(partition)&0xffff)
	binary.BigEndian.PutUint64(id[8:], epoch<<48|uint64(at.lsn)&(1<<48-1))
	return id
}

// address is where the birth of a task stands.
func address(id ulid.ULID) pos {
	return pos{int64(id.Time()), int64(binary.BigEndian.Uint64(id[8:]) & (1<<48 - 1))}
}

func partitionOf(id ulid.ULID) int { return int(binary.BigEndian.Uint16(id[6:])) }

// parseID reads the 26 characters of a task id.
func parseID(s string) (ulid.ULID, error) {
	id, err := ulid.ParseStrict(s)
	if err != nil {
		return id, fmt.Errorf("task id %q: %w", s, err)
	}
	return id, nil
}
