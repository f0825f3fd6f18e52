package task

import (
	"fmt"
	"strconv"
	"strings"
)

// Position is the id of one log entry: hybrid milliseconds and log sequence
// number. Both streams of a partition share one sequence, so positions order
// the whole log and LSN alone tells a missing entry.
type Position struct {
	Ms  int64
	LSN int64
}

// ParsePosition reads "ms-lsn". Errors wrap [ErrInvalidPosition].
func ParsePosition(s string) (Position, error) {
	a, b, ok := strings.Cut(s, "-")
	ms, err1 := strconv.ParseUint(a, 10, 63) // unsigned: a sign is as foreign as a letter
	lsn, err2 := strconv.ParseUint(b, 10, 63)
	if !ok || err1 != nil || err2 != nil {
		return Position{}, fmt.Errorf("%w: %q: want ms-lsn", ErrInvalidPosition, clip(s))
	}
	return Position{Ms: int64(ms), LSN: int64(lsn)}, nil
}

// String returns "ms-lsn", the entry's id in Redis.
func (p Position) String() string { return string(p.Append(nil)) }

// Append appends p's string to b.
func (p Position) Append(b []byte) []byte {
	b = strconv.AppendInt(b, p.Ms, 10)
	b = append(b, '-')
	return strconv.AppendInt(b, p.LSN, 10)
}

// MarshalText and UnmarshalText make positions strings in JSON.
func (p Position) MarshalText() ([]byte, error) { return p.Append(nil), nil }

// UnmarshalText is the reverse of MarshalText.
func (p *Position) UnmarshalText(b []byte) (err error) {
	*p, err = ParsePosition(string(b))
	return err
}

// Next is the least position after p, where a page that begins after p begins.
func (p Position) Next() Position { return Position{Ms: p.Ms, LSN: p.LSN + 1} }

// IsZero reports whether p is no entry.
func (p Position) IsZero() bool { return p == Position{} }

// clip keeps user input in an error short.
func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}
