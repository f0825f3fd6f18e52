package wire

import (
	"bytes"
	"strconv"

	"github.com/tidemill/tidemill/task"
)

// Fields are the alternating names and values of one stream entry.
type Fields [][]byte

// find returns where the value of the i-th field of schema stands, or -1. It
// looks beyond the i-th place only when another writer changed the order.
func (f Fields) find(schema []string, i int) int {
	if 2*i+1 < len(f) && string(f[2*i]) == schema[i] {
		return 2*i + 1
	}
	for j := 0; j+1 < len(f); j += 2 {
		if string(f[j]) == schema[i] {
			return j + 1
		}
	}
	return -1
}

// get returns the value of the i-th field of schema, nil if there is none.
func (f Fields) get(schema []string, i int) []byte {
	if at := f.find(schema, i); at >= 0 {
		return f[at]
	}
	return nil
}

// has reports whether the i-th field of schema is present.
func (f Fields) has(schema []string, i int) bool { return f.find(schema, i) >= 0 }

// Where births and events keep their fields: indexes into BirthFields and EventFields.
const (
	bType = 1 + iota
	bPayload
	bRef
	bAttempt
	bHeaders
	bOpts
	bDue
	bPrev
)

const (
	eKind = 1 + iota
	eRef
	eAttempt
	eConsumer
	eN
	eOutcome
	eError
	eActor
	eReason
	eDue
	ePrev
	eExtra
)

// Delivery reads an entry of the stream t. intern turns a type name into a
// string and may reuse one. The payload is copied. With an error the id is
// still right if the entry tells it.
func Delivery(p task.Partition, at task.Position, f Fields, intern func([]byte) string) (task.Delivery, error) {
	d := task.Delivery{Entry: at, Count: 1}
	var err error
	if d.ID, err = taskID(p, at, f.get(BirthFields, bRef)); err != nil {
		return d, err
	}
	d.EnqueuedAt = d.ID.Time()
	d.Type = task.Type(intern(f.get(BirthFields, bType)))
	d.Payload = bytes.Clone(f.get(BirthFields, bPayload))
	d.Attempt = int(number(f.get(BirthFields, bAttempt)))
	d.DueMs = number(f.get(BirthFields, bDue))
	if h := f.get(BirthFields, bHeaders); len(h) > 0 {
		if d.Headers, err = ParseHeaders(string(h)); err != nil {
			return d, err
		}
	}
	if o := f.get(BirthFields, bOpts); len(o) > 0 {
		d.Opts, err = ParseOpts(string(o))
	}
	if d.Type == "" {
		err = ErrCorrupt
	}
	return d, err
}

// idLen is the length of a task id in text.
const idLen = 26

// taskID reads ref: a release names its task, a birth, which is its own task,
// holds its epoch alone, because its address gives the rest. Ids hold the low
// 16 bits of an epoch.
func taskID(p task.Partition, at task.Position, ref []byte) (task.ID, error) {
	if len(ref) == idLen {
		return task.ParseID(string(ref))
	}
	epoch, err := strconv.ParseUint(string(ref), 10, 63)
	if err != nil {
		return task.NewID(p, 0, at), ErrCorrupt
	}
	return task.NewID(p, uint16(epoch), at), nil
}

// position reads a field that is a position or empty.
func position(b []byte) (task.Position, bool) {
	if len(b) == 0 {
		return task.Position{}, true
	}
	p, err := task.ParsePosition(string(b))
	return p, err == nil
}

// number reads a decimal of up to 18 digits; an empty or foreign field is 0.
func number[T []byte | string](b T) int64 {
	if len(b) > 18 {
		return 0
	}
	n := int64(0)
	for i := range len(b) {
		if b[i] < '0' || b[i] > '9' {
			return 0
		}
		n = n*10 + int64(b[i]-'0')
	}
	return n
}
