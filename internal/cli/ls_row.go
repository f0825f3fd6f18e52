package cli

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/tidemill/tidemill/task"
)

// statusLine is a status as JSON. A payload that is JSON stands there as it is.
type statusLine struct {
	task.Status
	Payload json.RawMessage `json:"payload,omitempty"`
	Bytes   []byte          `json:"payload_base64,omitempty"`
}

func newStatusLine(st *task.Status) statusLine {
	l := statusLine{Status: *st}
	l.Payload, l.Bytes = payloadJSON(st.Payload)
	return l
}

// payloadJSON gives a payload to one of two fields.
func payloadJSON(b []byte) (asJSON json.RawMessage, other []byte) {
	if json.Valid(b) && utf8.Valid(b) {
		return b, nil
	}
	return nil, b
}

// lsColumns are those every listing has, and those of its state.
func lsColumns(s task.State) []string {
	columns := []string{"ID", "QUEUE", "TYPE", "ATTEMPT>", "ENQUEUED>"}
	switch s {
	case task.Waiting:
		return append(columns, "DUE", "LAST ERROR")
	case task.Running:
		return append(columns, "HELD FOR>", "DELIVERY>", "CONSUMER")
	case task.Dead:
		return append(columns, "DIED>", "REASON", "ERROR")
	default:
		return append(columns, "READY>")
	}
}

func lsRow(s task.State, st *task.Status, now time.Time, where places) []string {
	cells := []string{st.ID.String(), string(st.Queue), string(st.Type), strconv.Itoa(st.Attempt), ago(st.EnqueuedAt, now)}
	switch s {
	case task.Waiting:
		if st.State != task.Waiting { // it moved on while it was listed
			return append(cells, st.State.String(), clip(st.Error, maxErrorCell))
		}
		return append(cells, due(st.DueAt.Sub(now)), clip(st.Error, maxErrorCell))
	case task.Running:
		return append(cells, short(st.HeldFor), strconv.Itoa(st.Deliveries), where.name(st.Consumer))
	case task.Dead:
		return append(cells, ago(st.ChangedAt, now), st.Reason, clip(st.Error, maxErrorCell))
	default:
		return append(cells, ago(st.ChangedAt, now))
	}
}
