package replay

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidemill/tidemill/task"
)

// Filter says which events of a history are asked for: those that every field
// that is set agrees with. The zero value asks for all. Of a field with several
// values one is enough.
type Filter struct {
	From, To       time.Time // not before From, before To
	FromLSN, ToLSN int64     // from one to the other, both included, in every partition
	Queues         []task.Queue
	IDs            []task.ID
	Types          []task.Type  // of the event's task
	Kinds          []task.Kind  // what happened
	States         []task.State // where it put the task; late outcomes put it nowhere
	Error          string       // a part of the error's text
	Consumers      []string     // who settled or lost the delivery, or took it over
	Versions       []string     // of the program that settled
	Hosts          []string     // it ran on
	Actors         []string     // who acted: operators, and consumers that take over
	Headers        map[string]string
	Key            string  // idempotency key
	Sample         float64 // this fraction of the tasks, always the same ones; 0: all
}

// Validate refuses what can match nothing. Errors wrap [task.ErrInvalidOption].
func (f *Filter) Validate() error {
	switch {
	case !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To):
		return fmt.Errorf("%w: from %s is not before to %s", task.ErrInvalidOption, stamp(f.From.UnixMilli()), stamp(f.To.UnixMilli()))
	case f.ToLSN != 0 && f.FromLSN > f.ToLSN:
		return fmt.Errorf("%w: from lsn %d is after to lsn %d", task.ErrInvalidOption, f.FromLSN, f.ToLSN)
	case f.Sample < 0 || f.Sample > 1:
		return fmt.Errorf("%w: sample %g: want a fraction from 0 to 1", task.ErrInvalidOption, f.Sample)
	}
	return nil
}

// Match reports whether an event is asked for, by what it says itself. Births,
// releases and hand-backs alone tell type, headers and key; [Select] knows them
// of the other events of the same task too.
func (f *Filter) Match(e *task.Event) bool {
	return f.matchPlace(e) && f.matchTask(e) && f.matchEvent(e)
}

func (f *Filter) matchPlace(e *task.Event) bool {
	return !f.early(e) && !f.late(e) && within(f.Queues, e.Queue)
}

// early is for events before those asked for; late ends the reading.
func (f *Filter) early(e *task.Event) bool {
	return !f.From.IsZero() && e.At.Ms < ceilMs(f.From) || e.At.LSN < f.FromLSN
}

func (f *Filter) late(e *task.Event) bool {
	return !f.To.IsZero() && e.At.Ms >= ceilMs(f.To) || f.ToLSN != 0 && e.At.LSN > f.ToLSN
}

func (f *Filter) matchTask(e *task.Event) bool {
	if !within(f.IDs, e.Task) || !within(f.Types, e.Type) || f.Key != "" && e.Opts.Key != f.Key {
		return false
	}
	for name, value := range f.Headers {
		if got, ok := e.Headers[name]; !ok || got != value {
			return false
		}
	}
	return f.Sample == 0 || !e.Task.IsZero() && sampled(e.Task, f.Sample)
}

func (f *Filter) matchEvent(e *task.Event) bool {
	if !within(f.Kinds, e.Kind) || f.Error != "" && !strings.Contains(e.Error, f.Error) {
		return false
	}
	if len(f.States) > 0 && !within(f.States, leads(e.Kind)) || !within(f.Actors, e.Actor) {
		return false
	}
	if e.Consumer == "" && len(f.Versions)+len(f.Hosts) > 0 || !within(f.Versions, task.VersionOf(e.Consumer)) || !within(f.Hosts, task.HostOf(e.Consumer)) {
		return false
	}
	return within(f.Consumers, e.Consumer) || e.Kind == task.Reclaimed && within(f.Consumers, e.Actor)
}

// asksTask reports whether it takes more than an outcome says of itself.
func (f *Filter) asksTask() bool {
	return len(f.IDs)+len(f.Types)+len(f.Headers) > 0 || f.Key != "" || f.Sample != 0
}

// begin is a position before all that is asked for: nothing is about a task
// before it is born.
func (f *Filter) begin() task.Position {
	var born int64
	if len(f.IDs) > 0 {
		born = slices.MinFunc(f.IDs, func(a, b task.ID) int { return cmp.Compare(a.Birth().Ms, b.Birth().Ms) }).Birth().Ms
	}
	if !f.From.IsZero() {
		born = max(born, ceilMs(f.From))
	}
	return task.Position{Ms: born}
}

// within reports whether nothing is asked for or v is among it.
func within[T comparable](asked []T, v T) bool { return len(asked) == 0 || slices.Contains(asked, v) }

// ceilMs is the first millisecond of the log that is not before t.
func ceilMs(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.After(time.UnixMilli(ms)) {
		ms++
	}
	return ms
}
