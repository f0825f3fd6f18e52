package wire

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

var headerLines = []*regexp.Regexp{
	regexp.MustCompile(`(?m)^-- KEYS  \S`),
	regexp.MustCompile(`(?m)^-- ARGV  \S`),
	regexp.MustCompile(`(?m)^-- reply \S`),
}

// header is the comment a file begins with.
func header(source string) string {
	var b strings.Builder
	for line := range strings.Lines(source) {
		if !strings.HasPrefix(line, "--") {
			break
		}
		b.WriteString(line)
	}
	return b.String()
}

// TestLuaHeaders: a script says what it is for, what it takes and what it answers.
func TestLuaHeaders(t *testing.T) {
	t.Parallel()
	for _, s := range scripts(t) {
		h := header(s.own)
		if !strings.HasPrefix(h, "-- "+s.name+": ") {
			t.Errorf("%s.lua begins with %.40q, want its name and purpose", s.name, h)
		}
		for _, line := range headerLines {
			if got := len(line.FindAllString(h, -1)); got != 1 {
				t.Errorf("%s.lua: got %d header lines like %s, want one", s.name, got, line)
			}
		}
	}
}

// listed are the names of KEYS in the header of a script; many means that more follow,
// chunk... or unique....
func listed(s *script) (names []string, many bool) {
	_, rest, _ := strings.Cut(header(s.own), "-- KEYS ")
	line, _, _ := strings.Cut(rest, "\n")
	names = strings.Fields(line)
	if n := len(names) - 1; n >= 0 && strings.HasSuffix(names[n], "...") {
		return names[:n], true
	}
	return names, false
}

// literalKeys yields the places of KEYS that a script names by number, with the
// local that each is given to, if any.
func literalKeys(s *script) map[int]string {
	at := map[int]string{}
	number := func(e any) int {
		a, ok := e.(*ast.AttrGetExpr)
		if !ok || dotted(a.Object) != "KEYS" {
			return 0
		}
		if n, ok := a.Key.(*ast.NumberExpr); ok {
			i, _ := strconv.Atoi(n.Value)
			return i
		}
		return 0
	}
	visit(s.stmts, func(n any) {
		if i := number(n); i > 0 {
			at[i] += ""
		}
		if l, ok := n.(*ast.LocalAssignStmt); ok {
			for i, e := range l.Exprs {
				if k := number(e); k > 0 && i < len(l.Names) {
					at[k] = l.Names[i]
				}
			}
		}
	})
	return at
}

// TestLuaKeys: the header lists as many keys as the script uses, and locals have
// the names of the header. A key too few would not be declared on a Cluster.
func TestLuaKeys(t *testing.T) {
	t.Parallel()
	for _, s := range scripts(t) {
		names, many := listed(s)
		used := literalKeys(s)
		if got, want := slices.Max(slices.Collect(maps.Keys(used))), len(names); got != want {
			t.Errorf("%s.lua lists %d keys %v and uses KEYS[%d]", s.name, want, names, got)
			continue
		}
		for i, local := range used {
			if local != "" && local != names[i-1] {
				t.Errorf("%s.lua: KEYS[%d] is %s in the header and %s in the code", s.name, i, names[i-1], local)
			}
		}
		if computed := strings.Contains(s.own, "KEYS[tonumber("); computed && !many {
			t.Errorf("%s.lua computes places of KEYS, and its header has none with dots", s.name)
		}
	}
}

// may are the globals that scripts read; they write none. What is missing here
// is missing on some server: cmsgpack, struct, bit, os.
var may = []string{"redis", "KEYS", "ARGV", "string", "math", "table", "tonumber", "type", "ipairs", "pairs", "unpack", "error"}

// TestLuaGlobals looks into the compiled code, where every global has its name.
func TestLuaGlobals(t *testing.T) {
	t.Parallel()
	for _, s := range scripts(t) {
		get, set := globals(compile(t, s))
		for _, name := range set {
			t.Errorf("%s: %s is assigned and not local", s.name, name)
		}
		for _, name := range get {
			if !slices.Contains(may, name) {
				t.Errorf("%s uses the global %s", s.name, name)
			}
		}
	}
}

func globals(p *lua.FunctionProto) (get, set []string) {
	for _, inst := range p.Code {
		op, constant := int(inst>>26), inst&0x3ffff // opcode:6 | A:8 | Bx:18
		switch op {
		case lua.OP_GETGLOBAL:
			get = append(get, p.Constants[constant].String())
		case lua.OP_SETGLOBAL:
			set = append(set, p.Constants[constant].String())
		}
	}
	for _, inner := range p.FunctionPrototypes {
		g, s := globals(inner)
		get, set = append(get, g...), append(set, s...)
	}
	return get, set
}

// TestLuaGlobalsSees: the test above would see a global.
func TestLuaGlobalsSees(t *testing.T) {
	t.Parallel()
	const source = `local a = 1; local function f() b = a + c; return function() d = os.time() end end`
	get, set := globals(compile(t, &script{name: "some", stmts: parseLua(t, "some", source)}))
	if want := []string{"c", "os"}; !slices.Equal(get, want) {
		t.Errorf("got read %q, want %q", get, want)
	}
	if want := []string{"b", "d"}; !slices.Equal(set, want) {
		t.Errorf("got assigned %q, want %q", set, want)
	}
}

// TestLuaWords: no command that walks the key space, of redis only what every
// server and every version has, and no flags in the first line.
func TestLuaWords(t *testing.T) {
	t.Parallel()
	walks := map[string]string{"ZSCAN": "trim", "KEYS": "", "SCAN": "", "SSCAN": "", "HSCAN": "", "RANDOMKEY": ""}
	for _, s := range scripts(t) {
		if strings.HasPrefix(s.source, "#!") {
			t.Errorf("%s has a shebang: older servers read it as an error", s.name)
		}
		visit(s.stmts, func(n any) {
			switch n := n.(type) {
			case *ast.StringExpr:
				if only, ok := walks[n.Value]; ok && only != s.name {
					t.Errorf("%s:%d: %s", s.name, n.Line(), n.Value)
				}
			case *ast.AttrGetExpr:
				if name := dotted(n); strings.HasPrefix(name, "redis.") && name != "redis.call" && name != "redis.pcall" {
					t.Errorf("%s:%d: %s: replies are tables, refusals too", s.name, n.Line(), name)
				}
			}
		})
	}
}
