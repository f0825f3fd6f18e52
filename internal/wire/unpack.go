package wire

import (
	"strconv"
	"strings"
	"time"

	"github.com/tidemill/tidemill/task"
)

// MaxItems is how many tasks one entry speaks of: an item's number is a byte of
// the outcome index.
const MaxItems = 256

// unpack appends the n events of an entry about n tasks.
func unpack(to []task.Event, e task.Event) ([]task.Event, bool) {
	switch e.Kind {
	case task.OutcomeSuccess:
		return successes(to, e)
	case task.Reclaimed:
		return words(to, e, claim)
	case task.PurgedDead:
		return words(to, e, purge)
	case task.OutcomeRetry, task.OutcomeSnooze, task.OutcomeDead, task.OutcomeCancel, task.OutcomeExpire, task.StaleOutcome:
		e.Ran, e.Crashes = ParseRan(e.Extra)
	}
	return append(to, e), true
}

// room makes room for n more, and no more than that.
func room(to []task.Event, n int) []task.Event {
	if cap(to)-len(to) >= n {
		return to
	}
	return append(make([]task.Event, 0, len(to)+n), to...)
}

func successes(to []task.Event, e task.Event) ([]task.Event, bool) {
	items, err := Items(e.Partition, e.Prev, e.N, e.Extra)
	if err != nil || len(items) == 0 {
		return nil, false
	}
	e.Extra = nil
	at := len(to)
	to = room(to, len(items))[:at+len(items)]
	for i, it := range items {
		one := &to[at+i]
		*one = e
		one.Item, one.Task, one.Attempt, one.Crashes, one.Prev = i, it.Task, it.Attempt, it.Crashes, it.Entry
		one.Ran, one.Result = it.Ran, it.Result
	}
	return to, true
}

// words reads one event from each of the n words of extra, separated by blanks.
func words(to []task.Event, e task.Event, read func(one *task.Event, word string) error) ([]task.Event, bool) {
	extra := string(e.Extra)
	if e.N < 1 || e.N > MaxItems || strings.Count(extra, " ") != e.N-1 {
		return nil, false
	}
	before := len(to)
	to = room(to, e.N)
	for word := range strings.SplitSeq(extra, " ") {
		one := e
		one.Item, one.Extra = len(to)-before, nil
		if read(&one, word) != nil {
			return nil, false
		}
		to = append(to, one)
	}
	return to, true
}

// claim reads "ms-lsn/count": an entry and its deliveries, the new one counted.
func claim(one *task.Event, word string) (err error) {
	entry, count, _ := strings.Cut(word, "/")
	n := number(count)
	if n < 1 {
		return ErrCorrupt
	}
	one.Crashes = int(n) - 1
	one.Prev, err = task.ParsePosition(entry)
	return err
}

// purge reads a task id.
func purge(one *task.Event, word string) (err error) {
	one.Task, err = task.ParseID(word)
	return err
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

// maxRan is the longest run time in µs that a duration holds.
const maxRan = (1<<63 - 1) / uint64(time.Microsecond)

// ParseRan is the reverse of Ran; what is not one is zero.
func ParseRan(b []byte) (time.Duration, int) {
	us, crashes, _ := strings.Cut(string(b), "/")
	n, err := strconv.ParseUint(us, 10, 63)
	if err != nil || n > maxRan {
		return 0, 0
	}
	return time.Duration(n) * time.Microsecond, int(number(crashes))
}
