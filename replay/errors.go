package replay

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidemill/tidemill/task"
)

var (
	// ErrOutside matches every [OutsideError] by errors.Is.
	ErrOutside = errors.New("outside the history")
	// ErrInvalidCursor: a string that is no cursor, or one of another history.
	ErrInvalidCursor = errors.New("invalid cursor")
	// ErrTooFine: statistics of more rows than anybody reads.
	ErrTooFine = errors.New("too fine")
)

// Span is what a partition's history has.
type Span struct {
	First task.Position `json:"first"`
	Last  task.Position `json:"last"`
}

func (s Span) String() string {
	return fmt.Sprintf("lsn %d to %d, %s to %s", s.First.LSN, s.Last.LSN, stamp(s.First.Ms), stamp(s.Last.Ms))
}

// OutsideError says that a moment is not in the history, and what is.
type OutsideError struct {
	Moment Moment
	Spans  map[string]Span // by the partition's name; those without events are left out
}

// maxSpans bounds an error text.
const maxSpans = 4

func (e *OutsideError) Error() string {
	if len(e.Spans) == 0 {
		return fmt.Sprintf("%s: %v: it has no event", e.Moment, ErrOutside)
	}
	var has []string
	for _, name := range slices.Sorted(maps.Keys(e.Spans)) {
		if len(has) == maxSpans {
			has = append(has, fmt.Sprintf("and %d more partitions", len(e.Spans)-maxSpans))
			break
		}
		has = append(has, fmt.Sprintf("%s has %s", name, e.Spans[name]))
	}
	return fmt.Sprintf("%s: %v: %s", e.Moment, ErrOutside, strings.Join(has, "; "))
}

// Is makes errors.Is(err, ErrOutside) true.
func (e *OutsideError) Is(target error) bool { return target == ErrOutside }

// stamp is a moment of the log in words.
func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z07:00") }
