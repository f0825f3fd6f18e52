package archtest

import (
	"slices"
	"strings"
	"testing"
)

// our is the module of the sources in memory.
const our = "example.com/our"

// An example is a source and what its checker must find there.
type example struct {
	name string
	path string
	src  string // a package clause is added to Go that has none
	want string // part of the one finding; "" for none
}

func (e example) file(t *testing.T) *file {
	t.Helper()
	src := e.src
	if strings.HasSuffix(e.path, ".go") && !strings.Contains(src, "package ") {
		src = "package p\n" + src
	}
	f, err := newFile(e.path, []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// try runs check over the examples.
func try(t *testing.T, check func(*file) []string, examples []example) {
	t.Helper()
	for _, e := range examples {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			expect(t, check(e.file(t)), e.want)
		})
	}
}

func expect(t *testing.T, found []string, want string) {
	t.Helper()
	switch {
	case want == "" && len(found) > 0:
		t.Errorf("got %q, want nothing", found)
	case want != "" && (len(found) != 1 || !strings.Contains(found[0], want)):
		t.Errorf("got %q, want one finding with %q", found, want)
	}
}

func imports(paths ...string) string {
	return "import \"" + strings.Join(paths, "\"\nimport \"") + "\"\n"
}

func TestCheckLayers(t *testing.T) {
	t.Parallel()
	try(t, func(f *file) []string { return checkLayers(our, f) }, []example{
		{"down", "streams/log.go", imports(our+"/task", our+"/internal/keys", our+"/internal/memserver"), ""},
		{"self", "streams/streamstest/a_test.go", imports(our + "/streams/streamstest"), ""},
		{"cli", "internal/cli/bench.go", imports(our+"/bench", our+"/replay", our+"/engine"), ""},
		{"main", "cmd/tidemill/main.go", imports(our + "/internal/cli"), ""},
		{"test fits siblings", "streams/fit_test.go", imports(our+"/timer", our+"/replay"), ""},
		{"test uses helper", "consumergroup/a_test.go", imports(our + "/streams/streamstest"), ""},
		{"helper uses helper", "streams/streamstest/a.go", imports(our + "/internal/redistest"), ""},
		{"similar module", "task/a.go", imports(our + "2/engine"), ""},

		{"up", "task/a.go", imports(our + "/engine"), "task must not import engine"},
		{"beside", "internal/keys/a.go", imports(our + "/internal/wire"), "internal/keys must not import internal/wire"},
		{"sibling", "timer/a.go", imports(our + "/streams"), "never see each other"},
		{"replay sees wire only", "replay/a.go", imports(our+"/internal/wire", our+"/internal/keys"), "internal/keys"},
		{"engine never replay", "engine/a.go", imports(our + "/replay"), "never replay"},
		{"main does nothing", "cmd/tidemill/main.go", imports(our + "/engine"), "main and nothing else"},
		{"helper in production", "engine/a.go", imports(our + "/engine/enginetest"), "a helper of tests"},
		{"helper in the edge", "bench/a.go", imports(our + "/internal/redistest"), "a helper of tests"},
		{"test reaches up", "streams/a_test.go", imports(our + "/engine"), "may not reach up"},
		{"helper reaches up", "streams/streamstest/a.go", imports(our + "/engine"), "may not reach up"},
		{"unknown folder", "attic/a.go", imports("fmt"), "folder attic has no layer"},
		{"unknown import", "engine/a.go", imports(our + "/attic"), "attic has no layer"},
		{"root is unknown", "doc.go", "", "folder . has no layer"},
	})
}

// TestEveryRowFires makes each row refuse an import: nobody imports main, and
// main imports no library.
func TestEveryRowFires(t *testing.T) {
	t.Parallel()
	for _, from := range table {
		e := example{path: from.path + "/a.go", src: imports(our + "/cmd/tidemill"), want: from.why}
		if from.path == "cmd/tidemill" {
			e.src = imports(our + "/task")
		}
		expect(t, checkLayers(our, e.file(t)), e.want)
	}
}

// TestSeesIsAll makes a row that names what it sees refuse everything else.
func TestSeesIsAll(t *testing.T) {
	t.Parallel()
	for _, from := range table {
		for _, to := range table {
			if from.sees == nil || from.path == to.path {
				continue
			}
			e := example{path: from.path + "/a.go", src: imports(our + "/" + to.path), want: from.why}
			if slices.Contains(from.sees, to.path) {
				e.want = ""
			}
			expect(t, checkLayers(our, e.file(t)), e.want)
		}
	}
}

// TestTable holds the table itself to its picture.
func TestTable(t *testing.T) {
	t.Parallel()
	for _, d := range table {
		if d.why == "" {
			t.Errorf("%s gives no reason", d.path)
		}
		for _, name := range d.sees {
			if to := folderOf(name); to == nil || to.path != name || to.layer >= d.layer || to.helper {
				t.Errorf("%s sees %s, which is not a folder below it", d.path, name)
			}
		}
	}
}
