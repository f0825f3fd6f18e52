package wire

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/tidemill/tidemill/task"
)

// Fields are the alternating names and values of one stream entry.
type Fields [][]byte

// get returns the value of the field that stands i-th in its schema, looking
// further only when a newer writer changed the order.
func (f Fields) get(schema []string, i int) []byte {
	if 2*i+1 < len(f) && string(f[2*i]) == schema[i] {
		return f[2*i+1]
	}
	for j := 0; j+1 < len(f); j += 2 {
		if string(f[j]) == schema[i] {
			return f[j+1]
		}
	}
	return nil
}

// has reports whether the i-th field of schema is present.
func (f Fields) has(schema []string, i int) bool {
	if 2*i+1 < len(f) && string(f[2*i]) == schema[i] {
		return true
	}
	for j := 0; j+1 < len(f); j += 2 {
		if string(f[j]) == schema[i] {
			return true
		}
	}
	return false
}

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
// string and may reuse one. The payload is copied.
func Delivery(p task.Partition, at task.Position, f Fields, intern func([]byte) string) (task.Delivery, error) {
	d := task.Delivery{Entry: at, Count: 1}
	var err error
	if d.ID, err = taskID(p, at, f.get(BirthFields, bRef)); err != nil {
		return d, err
	}
	d.EnqueuedAt = d.ID.Time()
	d.Type = task.Type(intern(f.get(BirthFields, bType)))
	d.Payload = bytes.Clone(f.get(BirthFields, bPayload))
	d.Attempt = number(f.get(BirthFields, bAttempt))
	d.DueMs = int64(number(f.get(BirthFields, bDue)))
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

// taskID reads ref: a release names its task, a birth, which is its own task,
// holds its epoch alone, because its address gives the rest.
func taskID(p task.Partition, at task.Position, ref []byte) (task.ID, error) {
	if len(ref) == 26 {
		return task.ParseID(string(ref))
	}
	epoch, err := strconv.ParseUint(string(ref), 10, 16)
	if err != nil {
		return task.NewID(p, 0, at), ErrCorrupt
	}
	return task.NewID(p, uint16(epoch), at), nil
}

// Events reads any entry of either stream and unpacks it. What it does not
// understand comes back as one event of kind Unknown with its raw fields.
func Events(p task.Partition, at task.Position, f Fields) []task.Event {
	e := task.Event{At: at, Partition: p}
	switch {
	case f.has(EventFields, eKind):
		if es, ok := event(e, f); ok {
			return es
		}
	case f.has(BirthFields, bType):
		if birth(&e, f) {
			return []task.Event{e}
		}
	}
	e = task.Event{At: at, Partition: p}
	for _, v := range f {
		e.Raw = append(e.Raw, string(v))
	}
	return []task.Event{e}
}

func birth(e *task.Event, f Fields) bool {
	d, err := Delivery(e.Partition, e.At, f, func(b []byte) string { return string(b) })
	if err != nil {
		return false
	}
	e.Task, e.Type, e.Payload, e.Headers, e.Opts = d.ID, d.Type, d.Payload, d.Headers, d.Opts
	e.Attempt, e.DueMs = d.Attempt, d.DueMs
	e.Prev, _ = task.ParsePosition(string(f.get(BirthFields, bPrev)))
	released := len(f.get(BirthFields, bRef)) == 26
	switch {
	case released && e.DueMs != 0:
		e.Kind = task.Released
	case released:
		e.Kind = task.HandedBack
	case e.DueMs != 0:
		e.Kind = task.Scheduled
	default:
		e.Kind = task.Born
	}
	return true
}

func event(e task.Event, f Fields) ([]task.Event, bool) {
	kind, outcome := string(f.get(EventFields, eKind)), string(f.get(EventFields, eOutcome))
	e.Kind = task.ParseKind(kind)
	if kind == Outcome {
		e.Kind = task.ParseKind(outcome)
	} else {
		e.Outcome = outcome
	}
	if e.Kind == task.Unknown {
		return nil, false
	}
	if ref := f.get(EventFields, eRef); len(ref) > 0 {
		id, err := task.ParseID(string(ref))
		if err != nil {
			return nil, false
		}
		e.Task = id
	}
	e.Attempt, e.N = number(f.get(EventFields, eAttempt)), number(f.get(EventFields, eN))
	e.Consumer, e.Error = string(f.get(EventFields, eConsumer)), string(f.get(EventFields, eError))
	e.Actor, e.Reason = string(f.get(EventFields, eActor)), string(f.get(EventFields, eReason))
	e.DueMs = int64(number(f.get(EventFields, eDue)))
	e.Prev, _ = task.ParsePosition(string(f.get(EventFields, ePrev)))
	e.Extra = bytes.Clone(f.get(EventFields, eExtra))
	return unpack(e)
}

// unpack turns an entry about n tasks into n events.
func unpack(e task.Event) ([]task.Event, bool) {
	switch e.Kind {
	case task.OutcomeSuccess:
		return successes(e)
	case task.Reclaimed:
		return claims(e)
	case task.PurgedDead:
		return purges(e)
	case task.OutcomeRetry, task.OutcomeSnooze, task.OutcomeDead, task.OutcomeCancel, task.OutcomeExpire, task.StaleOutcome:
		e.Ran, e.Crashes = ParseRan(e.Extra)
	}
	return []task.Event{e}, true
}

func successes(e task.Event) ([]task.Event, bool) {
	items, err := Items(e.Partition, e.Prev, e.N, e.Extra)
	if err != nil || len(items) == 0 {
		return nil, false
	}
	all := make([]task.Event, len(items))
	for i, it := range items {
		one := e
		one.Item, one.Task, one.Attempt, one.Crashes, one.Ran, one.Prev = i, it.Task, it.Attempt, it.Crashes, it.Ran, it.Entry
		one.Extra = nil
		all[i] = one
	}
	return all, true
}

// claims reads "ms-lsn/count …".
func claims(e task.Event) ([]task.Event, bool) {
	var all []task.Event
	for i, word := range strings.Fields(string(e.Extra)) {
		entry, count, _ := strings.Cut(word, "/")
		pos, err := task.ParsePosition(entry)
		if err != nil {
			return nil, false
		}
		one := e
		one.Item, one.Prev, one.Crashes, one.Extra = i, pos, number([]byte(count))-1, nil
		all = append(all, one)
	}
	return all, len(all) > 0
}

// purges reads task ids separated by blanks.
func purges(e task.Event) ([]task.Event, bool) {
	var all []task.Event
	for i, word := range strings.Fields(string(e.Extra)) {
		id, err := task.ParseID(word)
		if err != nil {
			return nil, false
		}
		one := e
		one.Item, one.Task, one.Extra = i, id, nil
		all = append(all, one)
	}
	return all, len(all) > 0
}

// Ran packs the run time and the crashes of one outcome: "µs" or "µs/crashes".
func Ran(d time.Duration, crashes int) string {
	if d <= 0 && crashes <= 0 {
		return ""
	}
	s := strconv.FormatInt(max(d, 0).Microseconds(), 10)
	if crashes > 0 {
		s += "/" + strconv.Itoa(crashes)
	}
	return s
}

// ParseRan is the reverse of Ran; what is not one is zero.
func ParseRan(b []byte) (time.Duration, int) {
	us, crashes, _ := strings.Cut(string(b), "/")
	n, err := strconv.ParseInt(us, 10, 64)
	if err != nil || n < 0 || n > int64(time.Duration(1<<63-1).Microseconds()) {
		return 0, 0
	}
	return time.Duration(n) * time.Microsecond, number([]byte(crashes))
}

// number reads a decimal; an empty or foreign field is 0.
func number(b []byte) int {
	n := 0
	for i, c := range b {
		if c < '0' || c > '9' || i > 17 {
			return 0
		}
		n = n*10 + int(c-'0')
	}
	return n
}
