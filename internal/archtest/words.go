package archtest

import (
	"bytes"
	"go/ast"
	"go/token"
	"iter"
	"regexp"
	"slices"
	"strings"
)

// checkWords looks for what does not belong in a source file, whatever its layer.
func checkWords(f *file) (found []string) {
	found = slices.Concat(openEnds(f), keyLiterals(f))
	if f.ast != nil {
		found = slices.Concat(found, prints(f), skips(f), sleeps(f))
	}
	return found
}

// openEnd is a mark for later; the group is its issue number.
var openEnd = regexp.MustCompile(`\b(?:TODO|FIXME|XXX)\b(\(#[0-9]+\))?`)

// openEnds finds marks without an issue number in comments.
func openEnds(f *file) (found []string) {
	for line, text := range f.comments() {
		for _, m := range openEnd.FindAllStringSubmatch(text, -1) {
			if m[1] == "" {
				found = append(found, f.atLine(line, "%s without an issue: write %s(#n) or do it now", m[0], m[0]))
			}
		}
	}
	return found
}

// keyPrefix is how every Redis key begins, where it is not the end of a word.
var keyPrefix = regexp.MustCompile(`(^|[^A-Za-z0-9])tm:`)

// spell are the folders that may spell out a key: where keys are made, where this
// rule stands, and the witness, which reads what is there and not what we think.
var spell = []string{"internal/keys", "internal/archtest", "integration/witness"}

// keyLiterals finds Redis keys that are spelled out instead of asked for.
func keyLiterals(f *file) (found []string) {
	if f.test || slices.Contains(spell, f.dir) {
		return nil
	}
	for line, text := range f.literals() {
		if keyPrefix.MatchString(text) {
			found = append(found, f.atLine(line, "the prefix of our keys is spelled out: internal/keys alone knows how a key is written"))
		}
	}
	return found
}

// prints finds output of library code: its only voice is the Observer.
func prints(f *file) (found []string) {
	if d := folderOf(f.dir); f.test || d == nil || d.layer > library {
		return nil
	}
	for u := range f.uses() {
		if u.pkg == "log" || u.pkg == "fmt" && strings.HasPrefix(u.name, "Print") {
			found = append(found, f.at(u.pos, "%s.%s: a library never prints: return an error or tell the Observer", u.pkg, u.name))
		}
	}
	return found
}

// skips finds tests that step aside. internal/redistest alone decides that, and
// only where the caller asked for the short tests.
func skips(f *file) (found []string) {
	d := folderOf(f.dir)
	if d == nil || d.path == "internal/redistest" || !f.test && !d.helper {
		return nil
	}
	for n := range ast.Preorder(f.ast) {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			continue
		}
		if sel, ok := call.Fun.(*ast.SelectorExpr); ok && isSkip(sel) {
			found = append(found, f.at(sel.Pos(), "%s: a test that skips proves nothing: internal/redistest alone may (it also handles -short)", sel.Sel.Name))
		}
	}
	return found
}

// isSkip goes by the usual names of a testing.TB, since Skip is a common verb.
func isSkip(sel *ast.SelectorExpr) bool {
	x, ok := sel.X.(*ast.Ident)
	return sel.Sel.Name == "SkipNow" || sel.Sel.Name == "Skipf" ||
		ok && sel.Sel.Name == "Skip" && slices.Contains([]string{"t", "tb", "b", "f"}, x.Name)
}

// sleeps finds tests that wait by the clock and hope.
func sleeps(f *file) (found []string) {
	if !f.test || f.imports("testing/synctest") {
		return nil
	}
	for u := range f.uses() {
		if u.pkg == "time" && u.name == "Sleep" {
			found = append(found, f.at(u.pos, "time.Sleep in a test: use testing/synctest, or wait for the event itself"))
		}
	}
	return found
}

// comments yields the comments of the file with the line each begins on.
func (f *file) comments() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		if f.ast == nil {
			f.luaLines(func(line int, _, comment string) bool { return yield(line, comment) })
			return
		}
		for _, group := range f.ast.Comments {
			for _, c := range group.List {
				if !yield(f.fset.Position(c.Pos()).Line, c.Text) {
					return
				}
			}
		}
	}
}

// literals yields the string literals of a Go file, without their quotes, and
// the code of every line of a Lua file.
func (f *file) literals() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		if f.ast == nil {
			f.luaLines(func(line int, code, _ string) bool { return yield(line, code) })
			return
		}
		for n := range ast.Preorder(f.ast) {
			lit, ok := n.(*ast.BasicLit)
			if ok && lit.Kind == token.STRING && !yield(f.fset.Position(lit.Pos()).Line, strings.Trim(lit.Value, "\"`")) {
				return
			}
		}
	}
}

// luaLines splits every line at its comment.
func (f *file) luaLines(yield func(line int, code, comment string) bool) {
	line := 0
	for text := range bytes.Lines(f.src) {
		line++
		code, comment, _ := strings.Cut(string(text), "--")
		if !yield(line, code, comment) {
			return
		}
	}
}
