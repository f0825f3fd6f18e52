package wire

import (
	"fmt"
	"slices"
	"testing"

	"github.com/yuin/gopher-lua/ast"
)

// reads are the commands that write nothing. All others count as writes, and so
// does a command that is computed.
var reads = []string{
	"EXISTS", "GET", "GETRANGE", "HEXISTS", "HGET", "HGETALL", "HLEN", "HMGET", "HVALS", "INFO", "STRLEN", "TIME", "TYPE", "XINFO", "XLEN", "XPENDING",
	"XRANGE", "XREVRANGE", "ZCARD", "ZMSCORE", "ZRANGE", "ZRANGEBYSCORE", "ZSCAN", "ZSCORE",
}

// unopened are the scripts that need not work when memory is full: what they
// write first is refused then, and nothing happened.
var unopened = map[string]string{
	"enqueue":  "a producer gets back-pressure",
	"announce": "its first write takes away, so it passes; and nothing depends on it",
	"register": "a new queue is no more than a producer; known ones are only read",
	"restore":  "nothing is restored into a Redis that is full",
}

// TestLuaBeginsBeforeItWrites: Redis looks at the first write of a script alone.
// When memory is full it lets a script run that begins with a HDEL, of nothing,
// or a PEXPIRE; one that begins with a HSET could not renew a lease.
func TestLuaBeginsBeforeItWrites(t *testing.T) {
	t.Parallel()
	for _, s := range scripts(t) {
		found := order(s.stmts)
		if why, ok := unopened[s.name]; ok {
			if len(found) == 0 {
				t.Errorf("%s begins before it writes: it is no exception any more (%s)", s.name, why)
			}
			continue
		}
		for _, f := range found {
			t.Errorf("%s: %s", s.name, f)
		}
	}
}

// order lists the writes of a script that may come before its begin().
func order(stmts []ast.Stmt) []string {
	w := &walk{funcs: map[string]*ast.FunctionExpr{}, inside: map[string]bool{}}
	w.block(stmts, false)
	return slices.Compact(w.found)
}

// walk goes through a script as it would run, into the functions that it calls,
// which it knows by their names alone. begun is whether begin() was surely
// called: of two branches both must have, of a loop none counts.
type walk struct {
	funcs  map[string]*ast.FunctionExpr
	inside map[string]bool // functions that are being walked
	found  []string
	exits  []bool // begun, at each return of the function that is walked
}

// block returns whether it has begun at its end, and whether it never gets there.
func (w *walk) block(stmts []ast.Stmt, begun bool) (_, returned bool) {
	for _, s := range stmts {
		if begun, returned = w.stmt(s, begun); returned {
			return begun, true
		}
	}
	return begun, false
}

func (w *walk) stmt(s ast.Stmt, begun bool) (_, returned bool) {
	switch s := s.(type) {
	case *ast.LocalAssignStmt:
		for i, e := range s.Exprs {
			if f, ok := e.(*ast.FunctionExpr); ok {
				w.funcs[s.Names[i]] = f
			}
		}
		return w.exprs(s.Exprs, begun), false
	case *ast.AssignStmt:
		return w.exprs(s.Rhs, w.exprs(s.Lhs, begun)), false
	case *ast.FuncDefStmt:
		w.funcs[dotted(s.Name.Func)] = s.Func
	case *ast.FuncCallStmt:
		return w.expr(s.Expr, begun), false
	case *ast.ReturnStmt:
		begun = w.exprs(s.Exprs, begun)
		w.exits = append(w.exits, begun)
		return begun, true
	case *ast.IfStmt:
		return w.branch(s, begun)
	case *ast.DoBlockStmt:
		return w.block(s.Stmts, begun)
	case *ast.NumberForStmt:
		begun = w.exprs([]ast.Expr{s.Init, s.Limit, s.Step}, begun)
		w.block(s.Stmts, begun)
	case *ast.GenericForStmt:
		begun = w.exprs(s.Exprs, begun)
		w.block(s.Stmts, begun)
	case *ast.WhileStmt:
		begun = w.expr(s.Condition, begun)
		w.block(s.Stmts, begun)
	case *ast.RepeatStmt:
		w.block(s.Stmts, begun)
	case *ast.BreakStmt:
	default:
		panic(fmt.Sprintf("statement %T", s))
	}
	return begun, false
}

func (w *walk) branch(s *ast.IfStmt, begun bool) (_, returned bool) {
	begun = w.expr(s.Condition, begun)
	then, thenReturned := w.block(s.Then, begun)
	other, otherReturned := w.block(s.Else, begun)
	switch {
	case thenReturned:
		return other, otherReturned
	case otherReturned:
		return then, false
	}
	return then && other, false
}

func (w *walk) exprs(es []ast.Expr, begun bool) bool {
	for _, e := range es {
		if e != nil {
			begun = w.expr(e, begun)
		}
	}
	return begun
}

func (w *walk) expr(e ast.Expr, begun bool) bool {
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		return w.call(e, w.exprs(e.Args, begun))
	case *ast.LogicalOpExpr: // the right side may not run
		begun = w.expr(e.Lhs, begun)
		w.expr(e.Rhs, begun)
	case *ast.TableExpr:
		for _, f := range e.Fields {
			begun = w.expr(f.Value, begun)
		}
	case *ast.AttrGetExpr:
		return w.exprs([]ast.Expr{e.Object, e.Key}, begun)
	case *ast.RelationalOpExpr:
		return w.exprs([]ast.Expr{e.Lhs, e.Rhs}, begun)
	case *ast.StringConcatOpExpr:
		return w.exprs([]ast.Expr{e.Lhs, e.Rhs}, begun)
	case *ast.ArithmeticOpExpr:
		return w.exprs([]ast.Expr{e.Lhs, e.Rhs}, begun)
	case *ast.UnaryMinusOpExpr:
		return w.expr(e.Expr, begun)
	case *ast.UnaryNotOpExpr:
		return w.expr(e.Expr, begun)
	case *ast.UnaryLenOpExpr:
		return w.expr(e.Expr, begun)
	}
	return begun
}

func (w *walk) call(c *ast.FuncCallExpr, begun bool) bool {
	name := called(c)
	switch name {
	case "call", "redis.call", "redis.pcall":
		return w.command(c, begun)
	}
	f := w.funcs[name]
	if f == nil || w.inside[name] {
		return begun
	}
	outer := w.exits
	w.inside[name], w.exits = true, nil
	end, returned := w.block(f.Stmts, begun)
	if !returned {
		w.exits = append(w.exits, end)
	}
	begun = !slices.Contains(w.exits, false)
	w.inside[name], w.exits = false, outer
	return begun
}

func (w *walk) command(c *ast.FuncCallExpr, begun bool) bool {
	verb := text(c.Args[0])
	switch {
	case verb == "HDEL" && text(c.Args[2]) == "nothing", verb == "PEXPIRE":
		return true
	case !begun && !slices.Contains(reads, verb):
		w.found = append(w.found, fmt.Sprintf("line %d writes (%s) before it has begun", c.Line(), verb))
	}
	return begun
}

// TestOrder shows what the walk finds.
func TestOrder(t *testing.T) {
	t.Parallel()
	const begin = "local call = redis.call\nlocal function begin() call('HDEL', KEYS[1], 'nothing') end\n"
	for source, want := range map[string]int{
		"call('GET', 'a')":                                         0,
		"call('SET', 'a', 1)":                                      1,
		"redis.pcall('SET', 'a', 1)":                               1,
		"begin() call('SET', 'a', 1)":                              0,
		"call('SET', 'a', 1) begin()":                              1,
		"call(unpack({'SET', 'a', 1}))":                            1,
		"call('HDEL', 'a', 'b')":                                   1,
		"if call('GET', 'a') then begin() end call('SET', 'a', 1)": 1,
		"if call('GET', 'a') then begin() else begin() end call('SET', 'a', 1)":     0,
		"if call('GET', 'a') then return 1 else begin() end call('SET', 'a', 1)":    0,
		"if call('GET', 'a') then return call('SET', 'a', 1) end":                   1,
		"for i = 1, 2 do begin() end call('SET', 'a', 1)":                           1,
		"for i = 1, 2 do begin() call('SET', 'a', 1) end":                           0,
		"local function f() call('SET', 'a', 1) end begin() f()":                    0,
		"local function f() call('SET', 'a', 1) end f() begin()":                    1,
		"local function f() begin() end f() call('SET', 'a', 1)":                    0,
		"local function f() if a then return end begin() end f() call('SET', 1)":    1,
		"local function f() if a then return f() end begin() end f()":               0,
		"local v = {} function v.f() call('SET', 'a', 1) end v.f()":                 1,
		"local a = call('GET', 'a') or call('SET', 'a', 1)":                         1,
		"local a = {b = call('SET', 'a', 1)}":                                       1,
		"local a = call('GET', 'a') and begin() call('SET', 'a', 1)":                1,
		"while not call('GET', 'a') do call('SET', 'a', 1) end":                     1,
		"local function f() call('SET', 'a', 1) end local function g() f() end g()": 1,
	} {
		if got := order(parseLua(t, "some", begin+source)); len(got) != want {
			t.Errorf("%s: got %q, want %d findings", source, got, want)
		}
	}
}
