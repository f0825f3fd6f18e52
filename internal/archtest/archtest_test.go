package archtest

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "write the golden lists of testdata anew")

const root = "../.."

func TestLayers(t *testing.T) {
	t.Parallel()
	module := modulePath(t)
	for _, f := range goFiles(t) {
		report(t, checkLayers(module, f))
	}
}

func TestExternals(t *testing.T) {
	t.Parallel()
	module := modulePath(t)
	for _, f := range goFiles(t) {
		report(t, checkExternals(module, f))
	}
}

func TestPurity(t *testing.T) {
	t.Parallel()
	files := goFiles(t)
	for _, f := range files {
		report(t, checkPurity(f))
	}
	report(t, unmatched(files))
}

func TestSizes(t *testing.T) {
	t.Parallel()
	files := moduleFiles(t)
	for _, f := range files {
		report(t, checkSize(f))
	}
	report(t, checkShare(files))
}

func TestWords(t *testing.T) {
	t.Parallel()
	for _, f := range moduleFiles(t) {
		report(t, checkWords(f))
	}
}

// TestModules compares what the two programs of this module link with the golden
// lists: a new line there is a new dependency of every user.
func TestModules(t *testing.T) {
	t.Parallel()
	files := goFiles(t)
	for dir, golden := range map[string]string{
		"engine":       "testdata/engine.modules",
		"cmd/tidemill": "testdata/tidemill.modules",
	} {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			if !slices.ContainsFunc(files, func(f *file) bool { return f.dir == dir && !f.test }) {
				t.Logf("no package %s yet", dir)
				return
			}
			compareModules(t, dir, golden)
		})
	}
}

func compareModules(t *testing.T, dir, golden string) {
	t.Helper()
	got, err := linked(root, dir)
	if err != nil {
		t.Fatal(err)
	}
	if *rewrite {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatalf("%v (go test ./internal/archtest -rewrite writes it)", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("modules that %s links (-want +got); if that is meant, go test ./internal/archtest -rewrite:\n%s",
			dir, cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")))
	}
}

func report(t *testing.T, found []string) {
	t.Helper()
	for _, s := range found {
		t.Error(s)
	}
}

// moduleFiles loads the module; it must at least have found this package.
func moduleFiles(t *testing.T) []*file {
	t.Helper()
	files, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(files, func(f *file) bool { return f.path == "internal/archtest/archtest_test.go" }) {
		t.Fatalf("%d files found below %s, and this one is not among them", len(files), root)
	}
	return files
}

func goFiles(t *testing.T) []*file {
	t.Helper()
	return slices.DeleteFunc(moduleFiles(t), func(f *file) bool { return f.ast == nil })
}

// modulePath reads the path from go.mod, so that renaming the module does not
// silence the layer rule.
func modulePath(t *testing.T) string {
	t.Helper()
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mod)) {
		if p, ok := strings.CutPrefix(line, "module "); ok {
			return strings.TrimSpace(p)
		}
	}
	t.Fatal("go.mod names no module")
	return ""
}
