package export

import (
	"encoding/base64"
	"encoding/csv"
	"io"
	"strconv"

	"github.com/tidemill/tidemill/task"
)

// Columns is the first row of the CSV.
var Columns = []string{
	"time", "queue", "partition", "lsn", "item", "kind", "id", "type", "attempt", "crashes", "consumer", "version", "host", "ran_ms",
	"result", "outcome", "error", "actor", "reason", "due_at", "prev", "key", "headers", "payload_base64", "payload_redacted",
	"retries", "timeout_ms", "deadline", "raw",
}

// CSV writes rows as RFC 4180 has them, but for lines that end in LF, with a first row
// of [Columns]. A text that begins with = + - @, a tab or a carriage return gets an
// apostrophe before it, or a spreadsheet would take it for a formula; base64, in which
// nothing can be called, does not.
type CSV struct {
	w     *csv.Writer
	began bool
}

// NewCSV writes to w.
func NewCSV(w io.Writer) *CSV { return &CSV{w: csv.NewWriter(w)} }

// Write writes an event; [CSV.Flush] sends what is left of it.
func (c *CSV) Write(e *task.Event) error {
	if err := c.begin(); err != nil {
		return err
	}
	r := RowOf(e)
	redacted := ""
	if r.Redacted {
		redacted = "true"
	}
	return c.w.Write([]string{
		r.Time.String(), string(r.Queue), strconv.Itoa(r.Partition), strconv.FormatInt(r.LSN, 10), strconv.Itoa(r.Item), r.Kind,
		r.ID, text(r.Type), number(float64(r.Attempt)), number(float64(r.Crashes)), text(r.Consumer), text(r.Version), text(r.Host),
		number(r.RanMs), r.Result, text(r.Outcome), text(r.Error), text(r.Actor), text(r.Reason), r.Due.String(), r.Prev, text(r.Key),
		r.Headers, base64.StdEncoding.EncodeToString(r.Payload), redacted,
		number(float64(r.Retries)), number(r.TimeoutMs), r.Deadline.String(), r.Raw,
	})
}

// Flush writes what is buffered: of an empty history the first row alone.
func (c *CSV) Flush() error {
	if err := c.begin(); err != nil {
		return err
	}
	c.w.Flush()
	return c.w.Error()
}

func (c *CSV) begin() error {
	if c.began {
		return nil
	}
	c.began = true
	return c.w.Write(Columns)
}

// text makes sure that a spreadsheet takes a text for one.
func text(s string) string {
	if s == "" {
		return s
	}
	switch s[0] {
	case '=', '+', '-', '@', '\t', '\r':
		return "'" + s
	}
	return s
}
