package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/tidemill/tidemill/task"
)

// maxErrorLines bounds a printed error, which may hold a stack.
const maxErrorLines = 30

// timeline is one line an event: when, how long after the one before, and what.
func (s *shown) timeline() string {
	if len(s.history) == 0 {
		return "  its history was trimmed\n"
	}
	var b strings.Builder
	last := time.Time{}
	line := func(at time.Time, what string) {
		delta := ""
		if !last.IsZero() {
			delta = "+" + short(max(at.Sub(last), 0))
		}
		last = at
		fmt.Fprintf(&b, "  %s  %8s  %s\n", stamp(at), delta, cell(what))
	}
	for i := range s.history {
		e := &s.history[i]
		line(time.UnixMilli(e.At.Ms), s.where.tell(e))
	}
	if now := s.present(); now != "" {
		line(s.now, now)
	}
	return b.String()
}

// present is what the log does not tell of an open task.
func (s *shown) present() string {
	st := &s.status
	switch st.State {
	case task.Waiting:
		return "now: waits, due " + due(st.DueAt.Sub(s.now))
	case task.Ready:
		return "now: waits for a free consumer"
	case task.Running:
		return fmt.Sprintf("now: held by %s for %s, delivery %d", s.where.name(st.Consumer), short(st.HeldFor), st.Deliveries)
	default:
		return ""
	}
}

// indent shows lines of a user's text below a heading, at most so many.
func indent(text string, limit int) string {
	var b strings.Builder
	n := 0
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		if n++; n > limit {
			b.WriteString("  … --json prints all\n")
			break
		}
		fmt.Fprintf(&b, "  %s\n", clean(line))
	}
	return b.String()
}
