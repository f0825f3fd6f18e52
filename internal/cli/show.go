package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

// shown is all that show tells of a task.
type shown struct {
	status  task.Status
	history []task.Event
	where   places
	now     time.Time // by the clock of Redis
}

func (a *app) showCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Tell where a task stands and how it came there", Args: cobra.ExactArgs(1),
		Long: "Prints what is known of a task, its payload, and its way through the log: every event with the time\n" +
			"since the one before. A delivery is no event, so what runs now is told in its last line. At the end\n" +
			"stands the lsn, of the task's partition, that all of it is true at.",
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := parseIDs(args)
			if err != nil {
				return err
			}
			return a.brief(cmd.Context(), func(ctx context.Context, eng *engine.Engine) error {
				return a.show(ctx, eng, ids[0])
			})
		},
	}
}

func (a *app) show(ctx context.Context, eng *engine.Engine, id engine.ID) error {
	s, err := look(ctx, eng, id)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(s.line())
	}
	a.printf("%s", s.head())
	a.printf("%s", preview(s.status.Payload))
	if s.status.Error != "" {
		a.printf("\nlast error\n%s", indent(s.status.Error, maxErrorLines))
	}
	a.printf("\ntimeline\n%sas of lsn %d\n", s.timeline(), s.status.LSN)
	return nil
}

// look gathers what is known. A history that was trimmed away is none.
func look(ctx context.Context, eng *engine.Engine, id engine.ID) (*shown, error) {
	s := &shown{}
	var err error
	if s.status, err = eng.State(ctx, id); err != nil {
		return nil, err
	}
	if s.now, err = eng.Log().Now(ctx); err != nil {
		return nil, err
	}
	nodes, err := eng.Log().Nodes(ctx)
	if err != nil {
		return nil, err
	}
	s.where = newPlaces(nodes)
	s.history, err = eng.Log().History(ctx, id)
	if errors.Is(err, engine.ErrNotFound) {
		err = nil
	}
	s.history = slices.DeleteFunc(s.history, func(e task.Event) bool { return e.At.LSN > s.status.LSN }) // it came since
	return s, err
}

// line is a task with its history as JSON.
func (s *shown) line() any {
	l := struct {
		statusLine
		History []eventLine `json:"history"`
	}{newStatusLine(&s.status), make([]eventLine, 0, len(s.history))}
	for i := range s.history {
		e := newEventLine(&s.history[i])
		e.Queue, e.Partition = s.status.Queue, int(s.status.ID.Partition())
		l.History = append(l.History, e)
	}
	return l
}

func (s *shown) head() string {
	st := &s.status
	var b strings.Builder
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-9s %s\n", name, cell(value))
		}
	}
	field("task", st.ID.String())
	field("state", s.state())
	field("type", string(st.Type))
	field("queue", string(st.Queue))
	field("attempt", fmt.Sprint(st.Attempt))
	field("enqueued", fmt.Sprintf("%s (%s)", stamp(st.EnqueuedAt), ago(st.EnqueuedAt, s.now)))
	field("key", st.Key)
	return b.String()
}

// state is the state and what follows from it.
func (s *shown) state() string {
	st := &s.status
	word := st.State.String()
	if st.Cancelling {
		word += ", to be cancelled"
	}
	switch st.State {
	case task.Waiting:
		word += ", due " + due(st.DueAt.Sub(s.now))
	case task.Running:
		word += fmt.Sprintf(" for %s on %s", short(st.HeldFor), s.where.name(st.Consumer))
	case task.Dead:
		word += ": " + st.Reason
	default:
	}
	return word
}
