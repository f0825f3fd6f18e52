package archtest

import (
	"go/ast"
	"slices"
	"strings"
)

// pure lists the files without clock, random source, goroutine, lock or I/O.
// They are folds and data structures: time and chance come in as arguments, so
// that a test or a replay decides both.
var pure = []string{"task/*.go", "timer/wheel*.go"}

const whyPurity = "this file is pure: pass the value in (now, rand), let the caller act"

// impureImports have nothing, below them either, that a pure file could use.
var impureImports = []string{"context", "crypto/rand", "golang.org/x/sync", "log", "net", "os", "sync"}

// clock lists what reads or waits for the clock; the rest of time is arithmetic.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer"}

// ownRand lists what math/rand offers that does not draw from the global source.
var ownRand = []string{
	"New", "NewSource", "NewPCG", "NewChaCha8", "NewZipf",
	"Rand", "Source", "Source64", "PCG", "ChaCha8", "Zipf",
}

// checkPurity looks at f if it is one of the pure files.
func checkPurity(f *file) (found []string) {
	if f.test || !matches(pure, f.path) {
		return nil
	}
	for _, imp := range f.ast.Imports {
		p := importPath(imp)
		if belowAny(impureImports, p) {
			found = append(found, f.at(imp.Pos(), "import of %s: %s", p, whyPurity))
		}
		if imp.Name != nil && imp.Name.Name == "." {
			found = append(found, f.at(imp.Pos(), "dot import of %s hides what it calls: %s", p, whyPurity))
		}
	}
	for u := range f.uses() {
		if impureUse(u) {
			found = append(found, f.at(u.pos, "%s.%s: %s", u.pkg, u.name, whyPurity))
		}
	}
	for n := range ast.Preorder(f.ast) {
		if g, ok := n.(*ast.GoStmt); ok {
			found = append(found, f.at(g.Pos(), "go statement: %s", whyPurity))
		}
	}
	return found
}

func impureUse(u use) bool {
	switch u.pkg {
	case "time":
		return slices.Contains(clock, u.name)
	case "math/rand", "math/rand/v2":
		return !slices.Contains(ownRand, u.name)
	}
	return false
}

// unmatched names the patterns of pure whose folder has files of which none
// fits: a renamed file must not slip out of the rule.
func unmatched(files []*file) (found []string) {
	for _, pattern := range pure {
		dir, _, _ := strings.Cut(pattern, "/")
		exists := slices.ContainsFunc(files, func(f *file) bool { return f.dir == dir && !f.test })
		fits := slices.ContainsFunc(files, func(f *file) bool { return !f.test && matches([]string{pattern}, f.path) })
		if exists && !fits {
			found = append(found, dir+": no file fits "+pattern+", which has to be pure: follow the rename in internal/archtest/purity.go")
		}
	}
	return found
}
