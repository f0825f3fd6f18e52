package check

import (
	"encoding/binary"
	"strconv"

	"github.com/oklog/ulid/v2"
)

const (
	chunkSlots = 8192
	slotBytes  = 8
)

// slots: the outcome index leads each birth above the floor to its latest event.
func (m *comparison) slots() {
	floor := number(m.live.Meta["floor"])
	births := map[int64]bool{}
	for id, l := range m.lives {
		lsn := address(id).lsn
		if !l.born || lsn < floor {
			continue
		}
		births[lsn] = true
		if want, ok := slotOf(id, l); ok {
			if got := m.slot(lsn); got != want {
				m.wrong("slot of %s is %016x, the log says %016x (%s at %s)", id, got, want, l.state, l.last)
			}
		}
	}
	if m.partial {
		return
	}
	for name, chunk := range m.live.Chunks {
		first := number(name) * chunkSlots
		for i := 0; i+slotBytes <= len(chunk); i += slotBytes {
			lsn := first + int64(i/slotBytes)
			if binary.BigEndian.Uint64(chunk[i:]) != 0 && lsn >= floor && !births[lsn] {
				m.wrong("slot of lsn %d is taken, no task was born there", lsn)
			}
		}
	}
}

func (m *comparison) slot(lsn int64) uint64 {
	chunk := m.live.Chunks[strconv.FormatInt(lsn/chunkSlots, 10)]
	at := lsn % chunkSlots * slotBytes
	if at+slotBytes > int64(len(chunk)) {
		return 0
	}
	return binary.BigEndian.Uint64(chunk[at:])
}

// slotOf is state:8 | lsn:48 | item:8 of the latest event; zeroes since the
// birth. Nobody knew the task when its entry was lost, so the slot tells nothing.
func slotOf(id ulid.ULID, l *life) (uint64, bool) {
	if l.last == address(id) {
		return 0, true
	}
	return uint64(l.state)<<56 | uint64(l.last.lsn)<<8 | uint64(l.item)&0xff, !l.byEntry
}
