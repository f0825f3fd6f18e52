package task

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestFold runs testdata/fold. The directive is "fold" or "fold partial". Each
// line is an event, the next of the log:
//
//	kind [task] [@lsn] [due=ms] [attempt=n] [entry=lsn] [consumer=c] [reason=r]
//
// A task is a letter, an entry stands at ms 1000·lsn, attempts are 1 unless told,
// and entry names the one that the event is about. With a + in front the event
// is a further item of the entry before.
func TestFold(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/fold/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			datadriven.RunTest(t, file, func(t *testing.T, d *datadriven.TestData) string {
				if d.Cmd != "fold" {
					d.Fatalf(t, "no directive %q", d.Cmd)
				}
				s := newScript(d.HasArg("partial"))
				for line := range strings.Lines(d.Input) {
					if err := s.run(strings.TrimSpace(line)); err != nil {
						d.Fatalf(t, "%s: %v", line, err)
					}
				}
				return s.String()
			})
		})
	}
}

// script is a fold with names for its tasks.
type script struct {
	*Fold
	lsn   int64
	item  int
	names map[string]ID
}

func newScript(partial bool) *script {
	s := &script{Fold: NewFold(), names: map[string]ID{}}
	s.Partial = partial
	return s
}

func spot(lsn int64) Position { return Position{Ms: 1000 * lsn, LSN: lsn} }

func (s *script) run(line string) error {
	line, more := strings.CutPrefix(line, "+")
	words := strings.Fields(line)
	if len(words) == 0 || words[0] == "#" {
		return nil
	}
	e := Event{Kind: ParseKind(words[0]), Attempt: 1}
	if e.Kind.String() != words[0] {
		return fmt.Errorf("no kind %q", words[0])
	}
	if s.item++; !more {
		s.lsn, s.item = s.lsn+1, 0
	}
	name := ""
	for _, w := range words[1:] {
		if key, value, ok := strings.Cut(w, "="); ok {
			if err := set(&e, key, value); err != nil {
				return err
			}
		} else if at, ok := strings.CutPrefix(w, "@"); ok {
			s.lsn, _ = strconv.ParseInt(at, 10, 64)
		} else {
			name = w
		}
	}
	e.At, e.Item = spot(s.lsn), s.item
	if name != "" {
		e.Task = s.id(name)
	}
	s.Add(&e)
	return nil
}

func set(e *Event, key, value string) error {
	switch key {
	case "consumer":
		e.Consumer = value
		return nil
	case "reason":
		e.Reason = value
		return nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	switch key {
	case "due":
		e.DueMs = n
	case "attempt":
		e.Attempt = int(n)
	case "entry":
		e.Prev = spot(n)
	default:
		return fmt.Errorf("no field %q", key)
	}
	return err
}

// id is the address of the birth, which is where the name comes first.
func (s *script) id(name string) ID {
	if _, ok := s.names[name]; !ok {
		s.names[name] = NewID(1, 1, spot(s.lsn))
	}
	return s.names[name]
}

// String tells all that the fold knows.
func (s *script) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s.names)) {
		if l := s.Tasks[s.names[name]]; l != nil {
			fmt.Fprintf(&b, "%s: %s\n", name, l.describe())
		}
	}
	entries := slices.SortedFunc(maps.Keys(s.Entries), func(x, y Position) int { return cmp.Compare(x.LSN, y.LSN) })
	for _, at := range entries {
		fmt.Fprintf(&b, "open %d: %s\n", at.LSN, s.named(s.Entries[at].String()))
	}
	if s.Paused {
		b.WriteString("paused\n")
	}
	if s.EndedTwice > 0 || s.Early > 0 {
		fmt.Fprintf(&b, "ended twice %d, early %d\n", s.EndedTwice, s.Early)
	}
	for _, g := range s.Gaps {
		b.WriteString(strings.TrimSpace(fmt.Sprintf("gap %d to %d: explained %t %s", g.From, g.To, g.Explained, g.Why)) + "\n")
	}
	for _, v := range s.Violations {
		fmt.Fprintf(&b, "violation: %s\n", s.named(v))
	}
	return b.String()
}

func (l *Life) describe() string {
	text := fmt.Sprintf("%s attempt %d last %d", l.State, l.Attempt, l.Last.LSN)
	switch {
	case l.State == Ready:
		text += fmt.Sprintf(" entry %d", l.Entry.LSN)
	case l.State == Waiting:
		text += fmt.Sprintf(" due %d", l.DueMs)
	case l.Ends != 1:
		text += fmt.Sprintf(" ends %d", l.Ends)
	}
	if l.Marked {
		text += " marked"
	}
	return text
}

// named puts names where ids stand.
func (s *script) named(text string) string {
	for name, id := range s.names {
		text = strings.ReplaceAll(text, id.String(), name)
	}
	return strings.TrimSpace(text)
}
