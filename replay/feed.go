package replay

import (
	"context"
	"iter"

	"github.com/tidemill/tidemill/task"
)

// feed reads one partition for what a filter asks for.
type feed struct {
	part
	label   string // the partition's name
	filter  *Filter
	cursor  Cursor
	tracker *tracker // nil: events are judged by what they say themselves
}

// read yields the events asked for, and as they are known to the tracker. What
// is passed over moves the cursor; what is yielded does not.
func (f *feed) read(ctx context.Context) iter.Seq2[found, error] {
	return func(yield func(found, error) bool) {
		mark := f.cursor[f.label]
		for e, err := range f.source(ctx, later(f.filter.begin(), mark.after())) {
			if err != nil {
				yield(found{}, err)
				return
			}
			if f.filter.late(&e) {
				return
			}
			if mark.passed(&e) {
				continue
			}
			known, err := f.known(ctx, e)
			if err != nil {
				yield(found{}, err)
				return
			}
			if !f.filter.Match(&known) {
				f.cursor.pass(f.label, &e)
			} else if !yield(found{raw: e, known: known, feed: f}, nil) {
				return
			}
		}
	}
}

// source reads of a single task what concerns it.
func (f *feed) source(ctx context.Context, after task.Position) iter.Seq2[task.Event, error] {
	if len(f.filter.IDs) == 1 {
		return f.about(ctx, after, f.filter.IDs[0])
	}
	return f.events(ctx, after)
}

// known is the event with what is known of its task.
func (f *feed) known(ctx context.Context, e task.Event) (task.Event, error) {
	if f.tracker == nil {
		return e, nil
	}
	err := f.tracker.complete(ctx, &e)
	return e, err
}

// found is an event that was asked for.
type found struct {
	raw, known task.Event
	feed       *feed
}

// pass moves the mark of a partition.
func (c Cursor) pass(name string, e *task.Event) {
	if c != nil {
		c[name] = Mark{At: e.At, Item: e.Item}
	}
}
