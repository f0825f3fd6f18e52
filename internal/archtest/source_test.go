package archtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{
		"go.mod", "a/a.go", "a/a_test.go", "a/lua/x.lua", "a/notes.txt",
		"a/testdata/b.go", ".hidden/c.go", "_old/d.go", "vendor/e.go", "nested/go.mod", "nested/f.go",
	} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("package p\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files, err := load(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, f.path)
	}
	if diff := cmp.Diff([]string{"a/a.go", "a/a_test.go", "a/lua/x.lua"}, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestLoadBroken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.go"), []byte("pakage p\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := load(dir); err == nil {
		t.Error("a file that does not parse was let through")
	}
}

func TestSortedLines(t *testing.T) {
	t.Parallel()
	if got, want := string(sortedLines([]byte("b\n\na\nb\n"))), "a\nb\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := sortedLines([]byte("\n")); len(got) != 0 {
		t.Errorf("got %q, want nothing", got)
	}
}

// TestLinked asks for this package: neither the standard library nor the module
// itself nor what the tests need counts as linked.
func TestLinked(t *testing.T) {
	t.Parallel()
	got, err := linked(root, "internal/archtest")
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 0 {
		t.Errorf("got %q, want nothing", got)
	}
	if _, err := linked(root, "no/such/package"); err == nil {
		t.Error("no error for a package that is not there")
	}
}
