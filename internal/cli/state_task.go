package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// stateOf tells where a task stood at the moment.
func (a *app) stateOf(ctx context.Context, s *replay.State, id task.ID) error {
	st, err := s.Task(ctx, id)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(struct {
			statusLine
			AsOf map[string]int64 `json:"as_of"`
		}{newStatusLine(&st), s.AsOf})
	}
	field := func(name, value string) {
		if value != "" {
			a.printf("%-9s %s\n", name, cell(value))
		}
	}
	field("task", st.ID.String())
	field("state", stoodAt(&st, s.At))
	field("type", string(st.Type))
	field("queue", string(st.Queue))
	field("attempt", fmt.Sprint(st.Attempt))
	field("enqueued", stamp(st.EnqueuedAt))
	field("changed", stamp(st.ChangedAt))
	field("consumer", st.Consumer)
	field("key", st.Key)
	field("error", clip(st.Error, maxErrorText))
	a.asOf(s)
	return nil
}

// stoodAt is a state and what followed from it at a moment.
func stoodAt(st *task.Status, at time.Time) string {
	word := st.State.String()
	switch {
	case st.State == task.Ready && st.Deliveries > 0:
		word += fmt.Sprintf(" or running, delivery %d", st.Deliveries)
	case st.State == task.Ready:
		word += " or running"
	case st.State == task.Waiting:
		word += ", due " + stamp(st.DueAt) + " (" + due(st.DueAt.Sub(at)) + ")"
	case st.Reason != "":
		word += ": " + st.Reason
	}
	if st.Cancelling {
		word += ", to be cancelled"
	}
	return word
}
