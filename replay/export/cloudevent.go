package export

import (
	"encoding/json"
	"fmt"

	"github.com/tidemill/tidemill/task"
)

// CloudEvent is an event as CloudEvents 1.0 has it, in structured mode. Source and id
// together are unique, and the same whenever the history is read again.
type CloudEvent struct {
	SpecVersion string `json:"specversion"`
	ID          string `json:"id"`     // lsn and item
	Source      string `json:"source"` // /tidemill/NAMESPACE/QUEUE/PARTITION
	Type        string `json:"type"`   // TypePrefix and the kind
	Subject     string `json:"subject,omitempty"`
	Time        Stamp  `json:"time"`
	ContentType string `json:"datacontenttype"`
	Data        Row    `json:"data"`
}

// TypePrefix is what the types of all events begin with.
const TypePrefix = "com.github.tidemill."

// CloudEventOf is the cloud event of an event of a namespace.
func CloudEventOf(namespace string, e *task.Event) CloudEvent {
	r := RowOf(e)
	return CloudEvent{
		SpecVersion: "1.0", ID: fmt.Sprintf("%d-%d", e.At.LSN, e.Item),
		Source: fmt.Sprintf("/tidemill/%s/%s/%d", namespace, e.Queue, e.Partition),
		Type:   TypePrefix + r.Kind, Subject: r.ID, Time: r.Time, ContentType: "application/json", Data: r,
	}
}

// JSON is the event as one line.
func (c *CloudEvent) JSON() ([]byte, error) {
	b, err := json.Marshal(c)
	return append(b, '\n'), err
}
