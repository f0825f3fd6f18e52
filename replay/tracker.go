package replay

import (
	"context"

	"github.com/tidemill/tidemill/task"
)

// tracker knows of the open tasks of a partition what their births said, so that
// every event can be told the type, the headers and the key of its task.
//
//  1. It forgets a task with its end; its memory is that of the open tasks.
//  2. Of a task that it does not know, since reading began after its birth or
//     since it had ended, it reads the birth by its address. What follows there is
//     kept for a moment: tasks that were born together end together.
//  3. Of a task whose birth was trimmed, the next release tells.
type tracker struct {
	part
	tasks   map[task.ID]birth
	entries map[task.Position]task.ID
	near    map[task.Position]birth // what the last look-up found, by position
}

// birth is what is remembered of a task.
type birth struct {
	id      task.ID
	typ     task.Type
	headers map[string]string
	key     string
	entry   task.Position // to be delivered
}

// nearby is how much a look-up reads on.
const nearby = 256

func newTracker(p part) *tracker {
	return &tracker{part: p, tasks: map[task.ID]birth{}, entries: map[task.Position]task.ID{}}
}

// complete adds what is known of the event's task to it.
func (t *tracker) complete(ctx context.Context, e *task.Event) error {
	if e.Type != "" {
		t.learn(e)
		return nil
	}
	if e.Task.IsZero() && !namesEntry(e.Kind) || e.Kind == task.Unknown {
		return nil
	}
	b, err := t.of(ctx, e)
	if err != nil {
		return err
	}
	e.Task, e.Type, e.Headers, e.Opts.Key = b.id, b.typ, b.headers, b.key
	t.follow(e, b)
	return nil
}

// learn remembers what a birth, a release or a hand-back tells.
func (t *tracker) learn(e *task.Event) {
	delete(t.entries, t.tasks[e.Task].entry)
	b := birthOf(e)
	if isEntry(e.Kind) {
		b.entry = e.At
		t.entries[e.At] = e.Task
	}
	t.tasks[e.Task] = b
}

func birthOf(e *task.Event) birth {
	return birth{id: e.Task, typ: e.Type, headers: e.Headers, key: e.Opts.Key}
}

// follow moves a task that is not where it was. A late outcome and a redaction move none.
func (t *tracker) follow(e *task.Event, b birth) {
	to := leads(e.Kind)
	if to == task.None || to == task.Ready {
		return
	}
	delete(t.entries, b.entry)
	b.entry = task.Position{}
	if delete(t.tasks, b.id); !to.Terminal() {
		t.tasks[b.id] = b
	}
}

// of finds the event's task, by its id or by the entry that is named.
func (t *tracker) of(ctx context.Context, e *task.Event) (birth, error) {
	id, at := e.Task, e.Prev
	if id.IsZero() {
		id = t.entries[e.Prev]
	}
	if b, ok := t.tasks[id]; ok {
		return b, nil
	}
	if !id.IsZero() {
		at = id.Birth()
	}
	b, ok, err := t.find(ctx, at)
	if !ok {
		b = birth{id: id}
	}
	return b, err
}

// find reads what an entry says of its task.
func (t *tracker) find(ctx context.Context, at task.Position) (birth, bool, error) {
	if b, ok := t.near[at]; ok {
		return b, true, nil
	}
	t.near = make(map[task.Position]birth, nearby)
	n := 0
	for e, err := range t.events(ctx, before(at)) {
		if err != nil {
			return birth{}, false, err
		}
		if e.Type != "" {
			t.near[e.At] = birthOf(&e)
		}
		if n++; n == nearby || n == 1 && e.At != at {
			break
		}
	}
	b, ok := t.near[at]
	return b, ok, nil
}
