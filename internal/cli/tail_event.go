package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/tidemill/tidemill/task"
)

// eventLine is an event as JSON. Times are those of Redis.
type eventLine struct {
	At        time.Time   `json:"at"`
	Queue     task.Queue  `json:"queue"`
	Partition int         `json:"partition"` // its number in the namespace
	LSN       int64       `json:"lsn"`
	Item      int         `json:"item,omitempty"` // of a packed entry
	Position  string      `json:"position"`       // the entry's id in Redis
	Kind      task.Kind   `json:"kind"`
	Task      *task.ID    `json:"id,omitempty"`
	Attempt   int         `json:"attempt,omitempty"`
	Crashes   int         `json:"crashes,omitempty"`
	Consumer  string      `json:"consumer,omitempty"` // of a reclaim: who lost it
	RanMs     float64     `json:"ran_ms,omitempty"`
	Result    task.Digest `json:"result,omitzero"` // of a success: digest of what its handler reported
	Outcome   string      `json:"outcome,omitempty"`
	Error     string      `json:"error,omitempty"`
	Actor     string      `json:"actor,omitempty"` // of a reclaim: who took it
	Reason    string      `json:"reason,omitempty"`
	Due       time.Time   `json:"due_at,omitzero"`
	Prev      string      `json:"prev,omitempty"`

	Type     task.Type         `json:"type,omitempty"`
	Key      string            `json:"key,omitempty"`
	Headers  map[string]string `json:"headers,omitempty"`
	Payload  json.RawMessage   `json:"payload,omitempty"`
	Bytes    []byte            `json:"payload_base64,omitempty"`
	Redacted bool              `json:"payload_redacted,omitempty"`
	Retries  int               `json:"retries,omitempty"` // -1: none
	Timeout  float64           `json:"timeout_ms,omitempty"`
	Deadline time.Time         `json:"deadline,omitzero"`

	Raw []string `json:"raw,omitempty"` // of a kind that is not understood
}

// writeEvent prints an event as a line, or as JSON.
func (a *app) writeEvent(out io.Writer, place string, e *task.Event, asJSON bool) error {
	if asJSON {
		line, err := marshalLine(newEventLine(e))
		if err == nil {
			_, err = out.Write(line)
		}
		return err
	}
	about := "-"
	switch {
	case !e.Task.IsZero():
		about = e.Task.String()
	case !e.Prev.IsZero():
		about = e.Prev.String() // an entry
	}
	_, err := fmt.Fprintf(out, "%s  %s  %6d  %-26s  %s\n", stampMs(e.At.Ms), place, e.At.LSN, about, cell(places{}.tell(e)))
	return err
}

func newEventLine(e *task.Event) eventLine {
	l := eventLine{
		At: time.UnixMilli(e.At.Ms).UTC(), Queue: e.Queue, Partition: int(e.Partition), LSN: e.At.LSN, Item: e.Item,
		Position: e.At.String(), Kind: e.Kind, Attempt: e.Attempt, Crashes: e.Crashes, Consumer: e.Consumer,
		RanMs: ms(e.Ran), Result: e.Result, Outcome: e.Outcome, Error: e.Error, Actor: e.Actor, Reason: e.Reason,
		Type: e.Type, Key: e.Opts.Key, Headers: e.Headers, Redacted: e.Erased, Retries: e.Opts.Retries, Timeout: ms(e.Opts.Timeout),
		Deadline: e.Opts.Deadline, Raw: e.Raw,
	}
	if !e.Task.IsZero() {
		l.Task = &e.Task
	}
	if e.DueMs != 0 {
		l.Due = time.UnixMilli(e.DueMs).UTC()
	}
	if !e.Prev.IsZero() {
		l.Prev = e.Prev.String()
	}
	l.Payload, l.Bytes = payloadJSON(e.Payload)
	return l
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
