package wire

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
	"github.com/yuin/gopher-lua/parse"
)

// The scripts are read here as files: the format has two writers, and this
// package knows what both must write. lua_format_test.go compares the names and
// numbers, lua_run_test.go the codecs, lua_lint_test.go and lua_order_test.go
// hold the scripts to the rules that no reader would notice broken.

const luaDir = "../../streams/lua"

// script is what streams loads as one: files joined, the last of which gives it
// its name, the others being prepended to several.
type script struct {
	name   string
	files  []string
	own    string // source of the last file
	source string // of all
	stmts  []ast.Stmt
}

var loadCall = regexp.MustCompile(`= (?:reading\()?load\(([^)]*)\)`)

// scripts reads the calls of load in streams/script.go.
func scripts(t *testing.T) []*script {
	t.Helper()
	calls := loadCall.FindAllStringSubmatch(read(t, "../../streams/script.go"), -1)
	var all []*script
	for _, call := range calls {
		s := &script{}
		for f := range strings.SplitSeq(call[1], ",") {
			s.name = strings.Trim(f, ` "`)
			s.own = read(t, filepath.Join(luaDir, s.name+".lua"))
			s.files, s.source = append(s.files, s.name), s.source+s.own
		}
		s.stmts = parseLua(t, s.name, s.source)
		all = append(all, s)
	}
	if len(all) == 0 {
		t.Fatal("streams/script.go loads no script")
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// luaFiles reads every file by its name.
func luaFiles(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(luaDir + "/*.lua")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, path := range paths {
		files[strings.TrimSuffix(filepath.Base(path), ".lua")] = read(t, path)
	}
	return files
}

func parseLua(t *testing.T, name, source string) []ast.Stmt {
	t.Helper()
	stmts, err := parse.Parse(strings.NewReader(source), name)
	if err != nil {
		t.Fatal(err)
	}
	return stmts
}

// shared is what most scripts of a partition begin with; some have the prologue alone.
func shared(t *testing.T) (source string, stmts []ast.Stmt) {
	t.Helper()
	source = read(t, filepath.Join(luaDir, "prologue.lua")) + read(t, filepath.Join(luaDir, "library.lua"))
	return source, parseLua(t, "library", source)
}

func compile(t *testing.T, s *script) *lua.FunctionProto {
	t.Helper()
	proto, err := lua.Compile(s.stmts, s.name)
	if err != nil {
		t.Fatal(err)
	}
	return proto
}

// visit shows every node of a syntax tree, parents first, in the order of the source.
func visit(node any, show func(node any)) {
	v := reflect.ValueOf(node)
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			visit(v.Index(i).Interface(), show)
		}
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		show(node)
		for i := range v.Elem().NumField() {
			f := v.Elem().Field(i)
			if f.Kind() == reflect.Slice || (f.Kind() == reflect.Pointer || f.Kind() == reflect.Interface) && !f.IsNil() {
				visit(f.Interface(), show)
			}
		}
	}
}

// called is the name of what a call calls: event, redis.call, string.format.
func called(c *ast.FuncCallExpr) string { return dotted(c.Func) }

func dotted(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.IdentExpr:
		return e.Value
	case *ast.AttrGetExpr:
		if object := dotted(e.Object); object != "" {
			return object + "." + text(e.Key)
		}
	}
	return ""
}

// text is the value of a string literal, "" of anything else.
func text(e ast.Expr) string {
	if s, ok := e.(*ast.StringExpr); ok {
		return s.Value
	}
	return ""
}

// callsOf collects the calls of one of the functions.
func callsOf(node any, names ...string) (calls []*ast.FuncCallExpr) {
	visit(node, func(n any) {
		if c, ok := n.(*ast.FuncCallExpr); ok && slices.Contains(names, called(c)) {
			calls = append(calls, c)
		}
	})
	return calls
}

// TestScriptsAreComplete: every file of streams/lua is part of a script.
func TestScriptsAreComplete(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, s := range scripts(t) {
		for _, f := range s.files {
			used[f] = true
		}
	}
	for name := range luaFiles(t) {
		if !used[name] {
			t.Errorf("%s.lua is loaded by no script", name)
		}
	}
}
