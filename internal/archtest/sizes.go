package archtest

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
)

// Lines. What is over the limit has a noun or a verb inside that wants a file or
// a function of its own.
const (
	maxFile = 500
	maxFunc = 70
	p90File = 300
	p90Func = 40
	maxLua  = 60
)

// luaShared are prepended to the others, so longer.
var luaShared = []string{"streams/lua/prologue.lua", "streams/lua/library.lua"}

const whySize = "find the noun or the verb inside that wants its own"

// A size is how long a file or a function is.
type size struct {
	lines int
	where string
}

// checkSize holds one file and its functions to the hard limits.
func checkSize(f *file) (found []string) {
	limit := maxFile
	if path.Ext(f.path) == ".lua" {
		limit = maxLua
	}
	if f.lines() > limit && !slices.Contains(luaShared, f.path) && !generated(f) {
		found = append(found, f.atLine(limit, "%d lines, at most %d: %s file", f.lines(), limit, whySize))
	}
	if f.test {
		return found
	}
	for _, fn := range funcSizes(f) {
		if fn.lines > maxFunc {
			found = append(found, fmt.Sprintf("%s: %d lines, at most %d: %s function", fn.where, fn.lines, maxFunc, whySize))
		}
	}
	return found
}

// checkShare holds nine tenths of all files and functions to the limits that the
// rest may pass.
func checkShare(files []*file) (found []string) {
	var fileSizes, funcs []size
	for _, f := range files {
		if f.ast == nil || f.test || generated(f) {
			continue
		}
		fileSizes = append(fileSizes, size{f.lines(), f.path})
		funcs = append(funcs, funcSizes(f)...)
	}
	found = append(found, shareOver("files", fileSizes, p90File)...)
	return append(found, shareOver("functions", funcs, p90Func)...)
}

// shareOver tells when the 90th percentile of the sizes is over the limit.
func shareOver(what string, sizes []size, limit int) []string {
	if len(sizes) == 0 {
		return nil
	}
	slices.SortFunc(sizes, func(a, b size) int { return b.lines - a.lines })
	p90 := sizes[len(sizes)/10].lines
	if p90 <= limit {
		return nil
	}
	msg := fmt.Sprintf("p90 of %s is %d lines, at most %d: %s; the longest:", what, p90, limit, whySize)
	for _, s := range sizes[:min(5, len(sizes))] {
		msg += fmt.Sprintf("\n\t%d %s", s.lines, s.where)
	}
	return []string{msg}
}

func funcSizes(f *file) (sizes []size) {
	if f.ast == nil || generated(f) {
		return nil
	}
	for _, decl := range f.ast.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		first, last := f.fset.Position(fn.Pos()).Line, f.fset.Position(fn.End()).Line
		sizes = append(sizes, size{last - first + 1, f.at(fn.Pos(), "func %s", fn.Name.Name)})
	}
	return sizes
}

func generated(f *file) bool { return f.ast != nil && ast.IsGenerated(f.ast) }
