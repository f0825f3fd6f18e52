package task

import "time"

// Status is what is known of one task at one moment.
type Status struct {
	ID         ID            `json:"id"`
	State      State         `json:"state"`
	Queue      Queue         `json:"queue"`
	Type       Type          `json:"type,omitempty"`
	Attempt    int           `json:"attempt"`
	EnqueuedAt time.Time     `json:"enqueued_at"`
	ChangedAt  time.Time     `json:"changed_at,omitzero"` // of the latest event
	DueAt      time.Time     `json:"due_at,omitzero"`     // of a waiting task
	Consumer   string        `json:"consumer,omitempty"`  // of a running task: who holds it
	Deliveries int           `json:"deliveries,omitempty"`
	HeldFor    time.Duration `json:"held_for_ns,omitempty"` // of a running task: since it was delivered, or charged
	Cancelling bool          `json:"cancelling,omitempty"`
	Error      string        `json:"error,omitempty"`
	Reason     string        `json:"reason,omitempty"`
	Payload    []byte        `json:"payload,omitempty"`
	Key        string        `json:"key,omitempty"`
	LSN        int64         `json:"lsn,omitempty"` // that this is true at, in the task's partition; 0 in listings
}
