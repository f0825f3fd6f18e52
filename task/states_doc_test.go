package task

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const statesDoc = "../docs/STATES.md"

// TestStatesDoc compares docs/STATES.md with the law, and with -rewrite, which
// go generate passes, writes it anew.
func TestStatesDoc(t *testing.T) {
	t.Parallel()
	states, kinds := comments(t, "state.go"), comments(t, "kind.go")
	if len(states) != len(States()) || len(kinds) != len(Kinds()) {
		t.Fatalf("%d states and %d kinds have a comment, want all %d and %d", len(states), len(kinds), len(States()), len(Kinds()))
	}
	want := writeStates(states, kinds)
	if flag.Lookup("rewrite").Value.String() == "true" { // the flag of datadriven
		if err := os.MkdirAll(filepath.Dir(statesDoc), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(statesDoc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(statesDoc)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/STATES.md is stale, run go generate ./task: want - got +\n%s", diff)
	}
}

// comments returns what stands behind the constants of a file, in order, so that
// the page says it in the same words.
func comments(t *testing.T, name string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for n := range ast.Preorder(f) {
		if c, ok := n.(*ast.ValueSpec); ok && c.Names[0].IsExported() && c.Comment != nil {
			lines = append(lines, strings.TrimSpace(c.Comment.Text()))
		}
	}
	return lines
}

const statesHead = `# States of a task

<!-- Written by go generate ./task from task/apply.go. Changes made here are lost. -->

The log of a partition is a sequence of events, and each event about a task
moves it from one state to the next. This page has every move there is. In code
it is ` + "`task.Apply`" + `; ` + "`task.Fold`" + ` runs a log through it, and whatever is not in the
table is reported as a violation.
`

const statesRule = `
A row is an event, a column the state it meets, a cell the state that follows.
An empty cell cannot be. Ready and running share a column, because a delivery is
no event and the log does not tell them apart: an event that leads to ready
leaves a running task running, unless it hands or takes the delivery over.
`

const statesPicture = `
What ends a running task may end a ready one too, and is drawn once. Left out is
what changes nothing: ` + "`stale_outcome` and `cancel_requested`" + `.
`

func writeStates(states, kinds []string) string {
	var b strings.Builder
	b.WriteString(statesHead)
	b.WriteString("\n## States\n\n")
	for i, s := range States() {
		fmt.Fprintf(&b, "- **%s**: %s\n", s, states[i])
	}
	b.WriteString("\n## Events\n\n")
	for i, k := range Kinds() {
		fmt.Fprintf(&b, "- `%s`: %s\n", k, kinds[i])
	}
	b.WriteString("\n## What follows\n" + statesRule + "\n")
	writeTable(&b)
	b.WriteString("\n## The same as a picture\n" + statesPicture + "\n")
	writeDiagram(&b)
	return b.String()
}

// columns are the states of the table, ready for running as well.
func columns() (all []State) {
	for _, s := range States() {
		if s != Running {
			all = append(all, s)
		}
	}
	return all
}

func writeTable(b *strings.Builder) {
	b.WriteString("| event |")
	rule := "|---|"
	for _, s := range columns() {
		name := s.String()
		if s == Ready {
			name += ", " + Running.String()
		}
		fmt.Fprintf(b, " %s |", name)
		rule += "---|"
	}
	b.WriteString("\n" + rule + "\n")
	for _, k := range Kinds() {
		if k.OfPartition() {
			continue
		}
		fmt.Fprintf(b, "| `%s` |", k)
		for _, s := range columns() {
			if to, err := Apply(s, k); err == nil {
				fmt.Fprintf(b, " %s |", to)
			} else {
				b.WriteString(" |")
			}
		}
		b.WriteByte('\n')
	}
}

// writeDiagram draws an arrow from state to state with the events that take it.
func writeDiagram(b *strings.Builder) {
	b.WriteString("```mermaid\nstateDiagram-v2\n    ready --> running: (delivery)\n")
	for _, from := range columns() {
		name := from.String()
		switch from {
		case None:
			name = "[*]"
		case Ready:
			name = Running.String()
		}
		for _, to := range columns() {
			var by []string
			for _, k := range Kinds() {
				if got, err := Apply(from, k); err == nil && got == to && k != StaleOutcome && k != CancelRequested && k != Redacted {
					by = append(by, k.String())
				}
			}
			if len(by) > 0 {
				fmt.Fprintf(b, "    %s --> %s: %s\n", name, to, strings.Join(by, ", "))
			}
		}
	}
	b.WriteString("```\n")
}
