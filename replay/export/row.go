package export

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidemill/tidemill/task"
)

// Row is an event as a row of a table. What an event does not say is zero. In texts
// what is no valid UTF-8 is replaced, and so are control characters other than tab and
// the ends of lines.
type Row struct {
	Time      Stamp      `json:"time"` // by the clock of Redis, as all times
	Queue     task.Queue `json:"queue"`
	Partition int        `json:"partition"` // its number in the namespace
	LSN       int64      `json:"lsn"`
	Item      int        `json:"item,omitempty"` // of a packed entry
	Kind      string     `json:"kind"`
	ID        string     `json:"id,omitempty"` // of the task
	Type      string     `json:"type,omitempty"`
	Attempt   int        `json:"attempt,omitempty"`
	Crashes   int        `json:"crashes,omitempty"`
	Consumer  string     `json:"consumer,omitempty"`
	Version   string     `json:"version,omitempty"` // of the consumer's program
	Host      string     `json:"host,omitempty"`    // it ran on
	RanMs     float64    `json:"ran_ms,omitempty"`
	Result    string     `json:"result,omitempty"`  // of a success: digest of what its handler reported
	Outcome   string     `json:"outcome,omitempty"` // that came too late
	Error     string     `json:"error,omitempty"`
	Actor     string     `json:"actor,omitempty"`
	Reason    string     `json:"reason,omitempty"`
	Due       Stamp      `json:"due_at,omitzero"`
	Prev      string     `json:"prev,omitempty"` // entry that it follows from
	Key       string     `json:"key,omitempty"`
	Headers   string     `json:"headers,omitempty"` // a JSON object
	Payload   []byte     `json:"payload_base64,omitempty"`
	Redacted  bool       `json:"payload_redacted,omitempty"`
	Retries   int        `json:"retries,omitempty"` // of the task's own; -1: none
	TimeoutMs float64    `json:"timeout_ms,omitempty"`
	Deadline  Stamp      `json:"deadline,omitzero"`
	Raw       string     `json:"raw,omitempty"` // of a kind that is not understood: names and values, a JSON array
}

// Stamp is a time that is written in RFC 3339 with milliseconds.
type Stamp struct{ time.Time }

// String is empty for the zero time.
func (s Stamp) String() string {
	if s.IsZero() {
		return ""
	}
	return s.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

// MarshalJSON writes what String does.
func (s Stamp) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

func stampMs(ms int64) Stamp { return Stamp{time.UnixMilli(ms)} }

// RowOf is the row of an event.
func RowOf(e *task.Event) Row {
	r := Row{
		Time: stampMs(e.At.Ms), Queue: e.Queue, Partition: int(e.Partition), LSN: e.At.LSN, Item: e.Item,
		Kind: e.Kind.String(), Type: valid(string(e.Type)), Attempt: e.Attempt, Crashes: e.Crashes,
		Consumer: valid(e.Consumer), Version: valid(task.VersionOf(e.Consumer)), Host: valid(task.HostOf(e.Consumer)), RanMs: ms(e.Ran), Result: e.Result.String(),
		Outcome: valid(e.Outcome), Error: valid(e.Error), Actor: valid(e.Actor), Reason: valid(e.Reason),
		Key: valid(e.Opts.Key), Payload: e.Payload, Redacted: e.Erased,
		Retries: e.Opts.Retries, TimeoutMs: ms(e.Opts.Timeout), Deadline: Stamp{e.Opts.Deadline},
	}
	if !e.Task.IsZero() {
		r.ID = e.Task.String()
	}
	if e.DueMs != 0 {
		r.Due = stampMs(e.DueMs)
	}
	if !e.Prev.IsZero() {
		r.Prev = e.Prev.String()
	}
	if len(e.Headers) > 0 {
		r.Headers = object(e.Headers)
	}
	if len(e.Raw) > 0 {
		r.Raw = object(e.Raw)
	}
	return r
}

// object is JSON of strings, which always marshal.
func object(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("export: " + err.Error())
	}
	return string(b)
}

func valid(s string) string {
	bad := func(r rune) bool { return r < ' ' && !strings.ContainsRune("\t\r\n", r) || 0x7f <= r && r < 0xa0 }
	if utf8.ValidString(s) && strings.IndexFunc(s, bad) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if bad(r) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// number is decimal; empty for zero.
func number(n float64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}
