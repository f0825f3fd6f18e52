package replay

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/tidemill/tidemill/task"
)

// Cursor is how far a history was read: the mark of each partition, by its name.
// A partition without a mark was not begun. As text it is JSON on one line.
type Cursor map[string]Mark

// Mark is the last event that was read of a partition. An entry may be several
// events, so the position alone would not do.
type Mark struct {
	At   task.Position
	Item int
}

// ParseCursor reads what [Cursor.String] wrote. Errors wrap [ErrInvalidCursor].
func ParseCursor(s string) (Cursor, error) {
	c := Cursor{}
	if err := json.Unmarshal([]byte(s), &c); err != nil {
		return nil, fmt.Errorf("%w: %q", ErrInvalidCursor, s[:min(len(s), 80)])
	}
	return c, nil
}

func (c Cursor) String() string {
	b, err := json.Marshal(c)
	if err != nil {
		panic("replay: cursor: " + err.Error()) // marks are text that cannot fail
	}
	return string(b)
}

// MarshalText writes "ms-lsn/item".
func (m Mark) MarshalText() ([]byte, error) {
	return strconv.AppendInt(append(m.At.Append(nil), '/'), int64(m.Item), 10), nil
}

// UnmarshalText is the reverse of MarshalText.
func (m *Mark) UnmarshalText(b []byte) (err error) {
	at, item, _ := strings.Cut(string(b), "/")
	if m.At, err = task.ParsePosition(at); err != nil {
		return err
	}
	n, err := strconv.ParseUint(item, 10, 31)
	m.Item = int(n)
	return err
}

// after is where to read on, so that the marked entry comes again.
func (m Mark) after() task.Position {
	if m.At.IsZero() {
		return m.At
	}
	return before(m.At)
}

// passed reports whether the event was read already.
func (m Mark) passed(e *task.Event) bool {
	return !m.At.IsZero() && Within(e.At, m.At) && (e.At != m.At || e.Item <= m.Item)
}

// check refuses a cursor of another history.
func (c Cursor) check(ps []part) error {
	known := map[string]bool{}
	for _, p := range ps {
		known[p.name()] = true
	}
	for name := range c {
		if !known[name] {
			return fmt.Errorf("%w: there is no partition %q", ErrInvalidCursor, name)
		}
	}
	return nil
}
