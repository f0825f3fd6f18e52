package wire

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/gopher-lua/ast"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/task"
)

// names returns the field names that an XADD writes, which has its verb, stream and
// id before them.
func names(call *ast.FuncCallExpr) (names []string) {
	for i := 3; i+1 < len(call.Args); i += 2 {
		names = append(names, text(call.Args[i]))
	}
	return names
}

// adds are the calls of XADD.
func adds(stmts []ast.Stmt) (found []*ast.FuncCallExpr) {
	for _, call := range callsOf(stmts, "call", "redis.call", "redis.pcall") {
		if text(call.Args[0]) == "XADD" {
			found = append(found, call)
		}
	}
	return found
}

// TestLuaFields: entry and event write the fields of this package, in order, and
// nothing else appends.
func TestLuaFields(t *testing.T) {
	t.Parallel()
	_, stmts := shared(t)
	found := adds(stmts)
	if len(found) != 2 {
		t.Fatalf("prologue.lua and library.lua append in %d places, want entry and event", len(found))
	}
	for i, want := range [][]string{BirthFields, EventFields} {
		if diff := cmp.Diff(want, names(found[i])); diff != "" {
			t.Errorf("line %d: want - got +\n%s", found[i].Line(), diff)
		}
	}
	for _, s := range scripts(t) {
		for _, call := range adds(parseLua(t, s.name, s.own)) {
			t.Errorf("%s.lua:%d appends by itself", s.name, call.Line())
		}
	}
}

// TestLuaFieldNames: entry is given a stream and each of its fields but the version,
// and what is handed to event is a field. A name misspelt would be written nowhere.
func TestLuaFieldNames(t *testing.T) {
	t.Parallel()
	for _, s := range scripts(t) {
		for _, call := range callsOf(s.stmts, "entry") {
			if len(call.Args) != len(BirthFields) {
				t.Errorf("%s:%d: entry of %d values, want %d", s.name, call.Line(), len(call.Args), len(BirthFields))
			}
		}
		for _, call := range callsOf(s.stmts, "event") {
			table, ok := call.Args[1].(*ast.TableExpr)
			if !ok {
				continue // a variable: outcomes.lua fills it by name
			}
			for _, f := range table.Fields {
				if !slices.Contains(EventFields, text(f.Key)) {
					t.Errorf("%s: event{%s = …}: no such field", s.name, text(f.Key))
				}
			}
		}
	}
}

// TestLuaKinds: every word a script writes as kind or outcome is one of task's,
// and stands in the right field.
func TestLuaKinds(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, s := range scripts(t) {
		for _, call := range callsOf(s.stmts, "event") {
			table, ok := call.Args[1].(*ast.TableExpr)
			if !ok {
				continue
			}
			for _, f := range table.Fields {
				field, word := text(f.Key), text(f.Value)
				if word == "" || field != "kind" && field != "outcome" {
					continue
				}
				seen++
				k := task.ParseKind(word)
				outcome := task.OutcomeSuccess <= k && k <= task.OutcomeExpire
				if k == task.Unknown || outcome != (field == "outcome") {
					t.Errorf("%s: event{%s = '%s'}: got kind %s", s.name, field, word, k)
				}
			}
		}
	}
	if seen < 5 {
		t.Errorf("got %d words, the test looks in the wrong place", seen)
	}
}

// TestLuaStates: the numbers of the outcome index are those of task.State, and
// scripts use no name that is not in the table (it would be nil).
func TestLuaStates(t *testing.T) {
	t.Parallel()
	_, stmts := shared(t)
	got := map[string]string{}
	for _, s := range stmts {
		if l, ok := s.(*ast.LocalAssignStmt); ok && l.Names[0] == "state" {
			for _, f := range l.Exprs[0].(*ast.TableExpr).Fields {
				got[text(f.Key)] = f.Value.(*ast.NumberExpr).Value
			}
		}
	}
	want := map[string]string{}
	for _, s := range task.States() {
		if s != task.None && s != task.Running { // no event leads there
			want[s.String()] = fmt.Sprint(uint8(s))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want - got +\n%s", diff)
	}
	for _, s := range scripts(t) {
		visit(s.stmts, func(n any) {
			if a, ok := n.(*ast.AttrGetExpr); ok && dotted(a.Object) == "state" && text(a.Key) != "" && want[text(a.Key)] == "" {
				t.Errorf("%s: state.%s is no state", s.name, text(a.Key))
			}
		})
	}
}

// TestLuaConstants looks for the numbers and words that Go names elsewhere. Each
// pattern has them in its groups and is found in the named files at least.
func TestLuaConstants(t *testing.T) {
	t.Parallel()
	chunk, slot := strconv.Itoa(keys.ChunkSlots), strconv.Itoa(keys.SlotBytes)
	last := strconv.Itoa(keys.ChunkSlots*keys.SlotBytes - 1)
	for _, tt := range []struct {
		what, pattern string
		want          []string
		in            []string
	}{
		{"place of a slot", `birth % (\d+) \* (\d+)`, []string{chunk, slot}, []string{"library"}},
		{"end of a slot", `at, at \+ (\d+)\)`, []string{strconv.Itoa(keys.SlotBytes - 1)}, []string{"library"}},
		{"next slot", `run\.next = at \+ (\d+)`, []string{slot}, []string{"library"}},
		{"size of a chunk", `'SETRANGE', key, (\d+),`, []string{last}, []string{"library"}},
		{"group", `call, group, meta = redis.call, '(\w+)'`, []string{keys.Group}, []string{"prologue"}},
		{"schema read", `had\[1\] ~= '(\w+)' then return \{'SCHEMA'`, []string{Schema}, []string{"prologue"}},
		{"schema written", `'HSET', meta, 'schema', '(\w+)'`, []string{Schema}, []string{"epoch"}},
		{"version", `'v', '(\w+)'`, []string{Version}, []string{"prologue", "library"}},
		{"outcome", `e\.kind or '(\w+)'`, []string{Outcome}, []string{"library"}},
	} {
		found := map[string]bool{}
		for name, source := range luaFiles(t) {
			for _, m := range regexp.MustCompile(tt.pattern).FindAllStringSubmatch(source, -1) {
				found[name] = true
				if diff := cmp.Diff(tt.want, m[1:]); diff != "" {
					t.Errorf("%s in %s.lua, %q: want - got +\n%s", tt.what, name, m[0], diff)
				}
			}
		}
		for _, name := range tt.in {
			if !found[name] {
				t.Errorf("%s: %s.lua has nothing like %s", tt.what, name, tt.pattern)
			}
		}
	}
}
