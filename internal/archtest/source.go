package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// A file is one Go or Lua source of the module.
type file struct {
	path string // from the root of the module, with slashes
	dir  string
	src  []byte
	test bool // *_test.go
	fset *token.FileSet
	ast  *ast.File // nil for Lua
}

func newFile(name string, src []byte) (*file, error) {
	f := &file{path: name, dir: path.Dir(name), src: src, test: strings.HasSuffix(name, "_test.go")}
	if path.Ext(name) != ".go" {
		return f, nil
	}
	f.fset = token.NewFileSet()
	var err error
	f.ast, err = parser.ParseFile(f.fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	return f, err
}

func (f *file) lines() int { return bytes.Count(f.src, []byte("\n")) }

// at words a finding about a place in a Go file.
func (f *file) at(pos token.Pos, format string, args ...any) string {
	return f.atLine(f.fset.Position(pos).Line, format, args...)
}

func (f *file) atLine(line int, format string, args ...any) string {
	return fmt.Sprintf("%s:%d: ", f.path, line) + fmt.Sprintf(format, args...)
}

// A use is a name of another package where it is mentioned: time.Now.
type use struct {
	pkg, name string // import path and selected name
	pos       token.Pos
}

// uses yields every pkg.Name of the file. It goes by the names of the imports
// alone, so a local variable called time would count: name it otherwise.
func (f *file) uses() iter.Seq[use] {
	return func(yield func(use) bool) {
		paths := f.importNames()
		for n := range ast.Preorder(f.ast) {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				continue
			}
			x, ok := sel.X.(*ast.Ident)
			if !ok || paths[x.Name] == "" {
				continue
			}
			if !yield(use{paths[x.Name], sel.Sel.Name, sel.Pos()}) {
				return
			}
		}
	}
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// importNames maps the name an import has in the file to its path.
func (f *file) importNames() map[string]string {
	names := map[string]string{}
	for _, imp := range f.ast.Imports {
		p := importPath(imp)
		name := path.Base(p)
		if majorVersion.MatchString(name) {
			name = path.Base(path.Dir(p))
		}
		if imp.Name != nil {
			name = imp.Name.Name
		}
		names[name] = p
	}
	return names
}

func (f *file) imports(want string) bool {
	for _, imp := range f.ast.Imports {
		if importPath(imp) == want {
			return true
		}
	}
	return false
}

func importPath(imp *ast.ImportSpec) string {
	p, err := strconv.Unquote(imp.Path.Value)
	if err != nil {
		panic("the parser let an import path through that is no string: " + imp.Path.Value)
	}
	return p
}

// load reads the Go and Lua files of the module at root, without nested modules.
func load(root string) ([]*file, error) {
	var files []*file
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != root && skipDir(name):
			return filepath.SkipDir
		case d.IsDir() || (filepath.Ext(name) != ".go" && filepath.Ext(name) != ".lua"):
			return nil
		}
		src, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		f, err := newFile(filepath.ToSlash(rel), src)
		files = append(files, f)
		return err
	})
	return files, err
}

func skipDir(name string) bool {
	base := filepath.Base(name)
	if base == "testdata" || base == "vendor" || base[0] == '.' || base[0] == '_' {
		return true
	}
	_, err := os.Stat(filepath.Join(name, "go.mod"))
	return err == nil
}
