package parquet

import (
	"io"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/tidemill/tidemill/replay/export"
	"github.com/tidemill/tidemill/task"
)

// Row is a row of the file: that of [export.Row] with types of Parquet. What an event
// does not say is null.
type Row struct {
	Time      time.Time  `parquet:"time,timestamp(millisecond),delta"`
	Queue     string     `parquet:"queue,dict"`
	Partition int32      `parquet:"partition"`
	LSN       int64      `parquet:"lsn,delta"`
	Item      int32      `parquet:"item"`
	Kind      string     `parquet:"kind,dict"`
	ID        string     `parquet:"id,optional"`
	Type      string     `parquet:"type,optional,dict"`
	Attempt   int32      `parquet:"attempt,optional"`
	Crashes   int32      `parquet:"crashes,optional"`
	Consumer  string     `parquet:"consumer,optional,dict"`
	Version   string     `parquet:"version,optional,dict"`
	Host      string     `parquet:"host,optional,dict"`
	RanMs     float64    `parquet:"ran_ms,optional"`
	Result    string     `parquet:"result,optional"`
	Outcome   string     `parquet:"outcome,optional,dict"`
	Error     string     `parquet:"error,optional,dict"`
	Actor     string     `parquet:"actor,optional,dict"`
	Reason    string     `parquet:"reason,optional,dict"`
	Due       *time.Time `parquet:"due_at,optional,timestamp(millisecond)"`
	Prev      string     `parquet:"prev,optional"`
	Key       string     `parquet:"key,optional"`
	Headers   string     `parquet:"headers,optional"`
	Payload   []byte     `parquet:"payload,optional"`
	Redacted  bool       `parquet:"payload_redacted"`
	Retries   int32      `parquet:"retries,optional"`
	TimeoutMs float64    `parquet:"timeout_ms,optional"`
	Deadline  *time.Time `parquet:"deadline,optional,timestamp(millisecond)"`
	Raw       string     `parquet:"raw,optional"`
}

// RowOf is the row of an event.
func RowOf(e *task.Event) Row {
	x := export.RowOf(e)
	return Row{
		Time: x.Time.Time, Queue: string(x.Queue), Partition: int32(x.Partition), LSN: x.LSN, Item: int32(x.Item), Kind: x.Kind,
		ID: x.ID, Type: x.Type, Attempt: int32(x.Attempt), Crashes: int32(x.Crashes), Consumer: x.Consumer, Version: x.Version, Host: x.Host,
		RanMs: x.RanMs, Result: x.Result, Outcome: x.Outcome, Error: x.Error, Actor: x.Actor, Reason: x.Reason, Prev: x.Prev, Key: x.Key,
		Headers: x.Headers, Payload: x.Payload, Redacted: x.Redacted,
		Retries: int32(x.Retries), TimeoutMs: x.TimeoutMs, Due: optional(x.Due), Deadline: optional(x.Deadline), Raw: x.Raw,
	}
}

func optional(s export.Stamp) *time.Time {
	if s.IsZero() {
		return nil
	}
	return &s.Time
}

// Bounds of a row group, which is what the writer holds in memory.
const (
	groupRows  = 1 << 16
	groupBytes = 32 << 20 // of payloads, headers and errors
)

// Writer writes events as Parquet.
type Writer struct {
	w    *parquet.GenericWriter[Row]
	page [1]Row
	rows int
	size int
}

// NewWriter writes to w; the file is whole after Close.
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: parquet.NewGenericWriter[Row](w, parquet.Compression(&parquet.Zstd))}
}

// Write adds an event. The writer keeps nothing of it.
func (w *Writer) Write(e *task.Event) error {
	w.page[0] = RowOf(e)
	if _, err := w.w.Write(w.page[:]); err != nil {
		return err
	}
	w.rows++
	w.size += len(e.Payload) + len(w.page[0].Headers) + len(e.Error)
	if w.rows < groupRows && w.size < groupBytes {
		return nil
	}
	w.rows, w.size = 0, 0
	return w.w.Flush()
}

// Close ends the file.
func (w *Writer) Close() error { return w.w.Close() }
