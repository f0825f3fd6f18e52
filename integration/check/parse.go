package check

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/oklog/ulid/v2"

	"github.com/tidemill/tidemill/integration/history"
)

// Kinds that have no word in the log: they are told by the shape of the entry.
const (
	kindBorn      = "born"
	kindScheduled = "scheduled"
	kindReleased  = "released"
	kindBack      = "handed_back"
	kindUnknown   = "unknown"
)

// event is one entry, or one item of an entry that speaks of several tasks.
type event struct {
	at       pos
	item     int
	stream   string
	kind     string // an outcome's own word in place of "outcome"
	id       ulid.ULID
	attempt  int
	consumer string
	actor    string
	reason   string
	text     string // error
	n        int
	due      int64
	prev     pos
	extra    []byte
	result   []byte // of a success: digest of what its handler reported, nil if it did not
	tag      string // of births
	typ      string
	opts     opts
	seen     int64 // when the witness read it
	gone     bool
}

// parse reads one entry; a stranger's gives nothing. An entry that cannot be
// read gives an unknown event and the error: it still counts as an lsn.
func parse(partition int, raw history.Entry) ([]event, error) {
	if len(raw.Fields) < 2 || string(raw.Fields[0]) != "v" {
		return nil, nil
	}
	at, err := parsePos(raw.ID)
	if err != nil {
		return nil, err
	}
	e := event{at: at, stream: raw.Stream, kind: kindUnknown, seen: raw.T, gone: raw.Gone}
	f := make(fields, len(raw.Fields)/2)
	for i := 0; i+1 < len(raw.Fields); i += 2 {
		f[string(raw.Fields[i])] = raw.Fields[i+1]
	}
	events := []event{e}
	switch {
	case f.has("kind"):
		events, err = f.event(e, partition)
	case f.has("type"):
		events[0], err = f.birth(e, partition)
	}
	if err != nil {
		return []event{e}, fmt.Errorf("entry %s: %w", raw.ID, err)
	}
	return events, nil
}

// fields are those of an entry by name.
type fields map[string][]byte

func (f fields) has(name string) bool { _, ok := f[name]; return ok }

func (f fields) text(name string) string { return string(f[name]) }

// number is a decimal field; empty is 0.
func (f fields) number(name string) (int64, error) {
	s := f.text(name)
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s %q", name, s)
	}
	return n, nil
}

// common fills what both shapes have.
func (f fields) common(e *event) error {
	attempt, err1 := f.number("attempt")
	due, err2 := f.number("due")
	prev, err3 := parsePos(f.text("prev"))
	e.attempt, e.due, e.prev = int(attempt), due, prev
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			return err
		}
	}
	return nil
}

// birth reads what can be delivered, and births of delayed tasks.
func (f fields) birth(e event, partition int) (event, error) {
	if err := f.common(&e); err != nil {
		return e, err
	}
	e.typ, e.opts = f.text("type"), parseOpts(f.text("opts"))
	tag, _, _ := bytes.Cut(f["payload"], []byte(" "))
	e.tag = string(tag)
	ref := f.text("ref")
	if len(ref) == ulid.EncodedSize {
		id, err := parseID(ref)
		e.id, e.kind = id, kindReleased
		if e.due == 0 {
			e.kind = kindBack
		}
		return e, err
	}
	epoch, err := strconv.ParseUint(ref, 10, 64)
	if err != nil {
		return e, fmt.Errorf("ref %q", ref)
	}
	e.id, e.kind = makeID(e.at, partition, epoch), kindBorn
	if e.due != 0 {
		e.kind = kindScheduled
	}
	return e, nil
}

// event reads everything else: one event, or one per task.
func (f fields) event(e event, partition int) ([]event, error) {
	if err := f.common(&e); err != nil {
		return nil, err
	}
	n, err := f.number("n")
	if err != nil {
		return nil, err
	}
	e.n, e.consumer, e.actor, e.reason, e.text = int(n), f.text("consumer"), f.text("actor"), f.text("reason"), f.text("error")
	e.extra = f["extra"]
	kind := f.text("kind")
	if kind == "outcome" {
		kind = f.text("outcome")
	}
	switch {
	case kind == "succeeded":
		e.kind = kind
		return unpack(e, partition)
	case kind == "purged":
		e.kind = kind
		return purged(e)
	}
	if ref := f.text("ref"); ref != "" {
		if e.id, err = parseID(ref); err != nil {
			return nil, err
		}
	}
	e.kind = kind
	return []event{e}, nil
}

// purged gives one event per task that was removed.
func purged(e event) ([]event, error) {
	var out []event
	for i, word := range strings.Fields(string(e.extra)) {
		id, err := parseID(word)
		if err != nil {
			return nil, err
		}
		one := e
		one.id, one.item = id, i
		out = append(out, one)
	}
	if len(out) != e.n {
		return nil, fmt.Errorf("%d ids, n says %d", len(out), e.n)
	}
	return out, nil
}
