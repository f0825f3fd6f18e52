package replay

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tidemill/tidemill/task"
)

// ErrorGroup is what failed in the same way: errors of a type whose texts differ
// in numbers and ids alone.
type ErrorGroup struct {
	Type    task.Type `json:"type"`
	Text    string    `json:"text"` // its first line, with N for numbers and ID for ids
	Count   int64     `json:"count"`
	FirstAt time.Time `json:"first_at"`
	LastAt  time.Time `json:"last_at"`
	Example task.ID   `json:"example"` // the first task of it
	Dead    int64     `json:"dead"`    // how many of them ended a task
}

const (
	maxGroups    = 1000 // more are counted together
	maxGroupText = 200
	otherErrors  = "(other errors)"
)

type groupKey struct {
	typ  task.Type
	text string
}

// groups gathers errors, in bounded memory.
type groups map[groupKey]*ErrorGroup

func (g groups) add(e *task.Event) {
	at := time.UnixMilli(e.At.Ms).UTC()
	key := groupKey{e.Type, Alike(e.Error)}
	if g[key] == nil && len(g) >= maxGroups {
		key = groupKey{text: otherErrors}
	}
	group := g[key]
	if group == nil {
		group = &ErrorGroup{Type: key.typ, Text: key.text, FirstAt: at, LastAt: at, Example: e.Task}
		g[key] = group
	}
	group.Count++
	if at.Before(group.FirstAt) {
		group.FirstAt, group.Example = at, e.Task
	}
	if at.After(group.LastAt) {
		group.LastAt = at
	}
	if e.Kind == task.OutcomeDead {
		group.Dead++
	}
}

// sorted lists the groups, the most frequent first.
func (g groups) sorted() []ErrorGroup {
	all := make([]ErrorGroup, 0, len(g))
	for _, group := range g {
		all = append(all, *group)
	}
	slices.SortFunc(all, func(a, b ErrorGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Text, b.Text))
	})
	return all
}

var (
	idPattern = regexp.MustCompile(`\b(?:[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}` + // UUID
		`|[0-7][0-9A-HJKMNP-TV-Z]{25}` + // ULID: tasks and consumers
		`|0x[0-9A-Fa-f]+|[0-9a-f]{12,})\b`) // addresses and digests
	numberPattern = regexp.MustCompile(`\d+(?:[.,]\d+)*`)
)

// Alike makes error texts equal that differ in numbers and ids alone: the first
// line, bounded, with N and ID in their places.
func Alike(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	line = line[:min(len(line), 4*maxGroupText)]
	line = idPattern.ReplaceAllString(line, "ID")
	line = numberPattern.ReplaceAllString(line, "N")
	return strings.ToValidUTF8(line[:min(len(line), maxGroupText)], "\ufffd")
}
