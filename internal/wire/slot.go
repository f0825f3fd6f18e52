package wire

import "github.com/tidemill/tidemill/task"

// Slot is a task's place in the outcome index: the state its latest event left
// it in, that event's lsn and, in a packed entry, the item. The zero slot is a
// task to which nothing has happened since its birth.
type Slot struct {
	State task.State
	LSN   int64
	Item  int
}

// ParseSlot reads 8 bytes: state:8 | lsn:48 | item:8. An absent slot, shorter
// than that, is the zero slot.
func ParseSlot(s string) Slot {
	if len(s) < 8 || s[0] > byte(task.Lost) {
		return Slot{}
	}
	var lsn int64
	for i := 1; i < 7; i++ {
		lsn = lsn<<8 | int64(s[i])
	}
	return Slot{State: task.State(s[0]), LSN: lsn, Item: int(s[7])}
}
