package cli

import (
	"context"
	"errors"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

// maxTypes bounds what tail remembers of the types of tasks.
const maxTypes = 100_000

// typeOf is the type of an event's task: births and releases tell it, and of
// others the log is asked once. Of a task that is not known any more it is empty.
func (t *tail) typeOf(ctx context.Context, e *task.Event) (task.Type, error) {
	if e.Task.IsZero() {
		return "", nil
	}
	if e.Type == "" {
		if typ, ok := t.types[e.Task]; ok {
			return typ, nil
		}
		st, err := t.log.Status(ctx, e.Task)
		if err != nil && !errors.Is(err, engine.ErrNotFound) {
			return "", err
		}
		e.Type = st.Type
	}
	if len(t.types) >= maxTypes {
		clear(t.types)
	}
	t.types[e.Task] = e.Type
	return e.Type, nil
}
