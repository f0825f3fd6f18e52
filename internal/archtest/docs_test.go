package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A claim is a name in the sources that a page has to tell of.
type claim struct {
	from    string // the files that have the names
	pattern string // its group is a name
	least   int    // as many are there, or the pattern is out of date
	cell    string // how the page writes the name, which stands for %
}

// formatClaims: what is kept in Redis is described in docs/FORMAT.md.
var formatClaims = []claim{
	{"internal/keys/keys.go", `p(?:\.prefix)? \+ "([a-z]:?)"`, 14, "| `%"},
	{"internal/keys/keys.go", `"\}:([a-z]+:?)"`, 3, "| `tm:{NS}:%"},
	{"streams/lua/*.lua", `'HSET', meta, '([a-z]+)'`, 5, "`%`"},
	{"streams/lua/*.lua", `count\('([a-z]+)'`, 5, "`%`"},
	{"streams/lua/*.lua", `return \{'([A-Z]{3,})'`, 15, "%"},
	{"streams/*.go", `\.Meta, "([a-z]+)"`, 3, "`%`"},
	{"internal/wire/opts.go", `num\('([a-z])'`, 7, "| `%` |"},
	{"internal/wire/opts.go", `append\(b, '([a-z])'\)`, 1, "| `%` |"},
}

func TestFormatIsComplete(t *testing.T) {
	t.Parallel()
	page := page(t, "FORMAT.md")
	for _, c := range formatClaims {
		names := c.names(t)
		if len(names) < c.least {
			t.Errorf("%s has %q: got %d names %q, want %d or more", c.from, c.pattern, len(names), names, c.least)
		}
		for _, name := range names {
			if want := strings.Replace(c.cell, "%", name, 1); !strings.Contains(page, want) {
				t.Errorf("docs/FORMAT.md does not have %s, of %s", want, c.from)
			}
		}
	}
	for _, list := range []struct{ file, name, cell string }{
		{"internal/wire/doc.go", "BirthFields", "| `%` |"},
		{"internal/wire/doc.go", "EventFields", "| `%` |"},
		{"task/kind.go", "kindNames", "`%`"},
		{"task/state.go", "stateNames", "%"},
	} {
		for _, name := range literals(t, list.file, list.name) {
			if want := strings.Replace(list.cell, "%", name, 1); !strings.Contains(page, want) {
				t.Errorf("docs/FORMAT.md does not have %s, of %s", want, list.name)
			}
		}
	}
	for _, path := range glob(t, "streams/lua/*.lua") {
		if name := "`" + filepath.Base(path) + "`"; !strings.Contains(page, name) {
			t.Errorf("docs/FORMAT.md does not have %s", name)
		}
	}
}

// TestArchitectureNamesFolders: the layer picture is the table of this package.
func TestArchitectureNamesFolders(t *testing.T) {
	t.Parallel()
	page := page(t, "ARCHITECTURE.md")
	for _, f := range table {
		row := regexp.MustCompile("(?m)^\\|[^|]*`" + regexp.QuoteMeta(f.path) + "`[^|]*\\| (\\S+) \\|")
		m := row.FindStringSubmatch(page)
		if m == nil {
			t.Errorf("docs/ARCHITECTURE.md has no row for %s", f.path)
		} else if layer := strconv.Itoa(f.layer); m[1] != layer && f.path != "internal/archtest" {
			t.Errorf("docs/ARCHITECTURE.md has %s in layer %s, the table has it in %s", f.path, m[1], layer)
		}
	}
}

// mention is a file of the module, in backquotes.
var mention = regexp.MustCompile("`((?:task|streams|timer|consumergroup|replay|engine|internal|bench|cmd|lua)/[\\w./]+\\.(?:go|lua))`")

// TestDocsNameFiles: a file that a page names is there.
func TestDocsNameFiles(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ARCHITECTURE.md", "FORMAT.md"} {
		for _, m := range mention.FindAllStringSubmatch(page(t, name), -1) {
			path := m[1]
			if strings.HasPrefix(path, "lua/") {
				path = "streams/" + path
			}
			if _, err := os.Stat(filepath.Join(root, path)); err != nil {
				t.Errorf("docs/%s: %v", name, err)
			}
		}
	}
}

func page(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: got %d files, %v", pattern, len(paths), err)
	}
	return paths
}

// names collects what the pattern finds, each name once.
func (c *claim) names(t *testing.T) (names []string) {
	t.Helper()
	re := regexp.MustCompile(c.pattern)
	for _, path := range glob(t, c.from) {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range re.FindAllSubmatch(src, -1) {
			names = append(names, string(m[1]))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// literals returns the strings of a package variable.
func literals(t *testing.T, path, name string) (found []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, path), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for n := range ast.Preorder(f) {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != name {
			continue
		}
		for n := range ast.Preorder(spec) {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				found = append(found, strings.Trim(lit.Value, `"`))
			}
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s has no strings in a variable %s", path, name)
	}
	return found
}
