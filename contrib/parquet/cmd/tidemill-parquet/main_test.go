package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"

	"github.com/tidemill/tidemill/contrib/parquet"
	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/replay/archive"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// tool runs a command line.
func tool(t *testing.T, args ...string) (code int, out, errw string) {
	t.Helper()
	var o, e strings.Builder
	code = run(t.Context(), args, &o, &e)
	return code, o.String(), e.String()
}

// The live log and its archive give the same file; a file is never written over.
func TestTool(t *testing.T) {
	t.Parallel()
	url, ns, dir := redistest.URL(t), redistest.Namespace(t), t.TempDir()
	eng, err := engine.Open(t.Context(), url, engine.Options{Namespace: ns})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = eng.Close() })
	tasks, err := engine.Define[string]("greet").EnqueueMany(context.Background(), eng, []string{"a", "b", "c"})
	if err != nil {
		t.Fatal(err)
	}
	history := filepath.Join(dir, "history")
	if err := archive.New(archive.Of(eng.Log()), archive.Dir(history), archive.Options{Namespace: ns}).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string][]string{"live": {"-redis", url, "-namespace", ns}, "archive": {"-archive", history}} {
		file := filepath.Join(dir, name)
		args := append(from, "-out", file, "-kind", "born", "-type", "greet")
		if code, out, errw := tool(t, args...); code != 0 || !strings.HasSuffix(out, ": 3 events\n") {
			t.Fatalf("%s: %d, %q, %q", name, code, out, errw)
		}
		rows, err := pq.ReadFile[parquet.Row](file)
		if err != nil || len(rows) != 3 {
			t.Fatalf("%s: %d rows, %v", name, len(rows), err)
		}
		for i, r := range rows {
			if r.ID != tasks[i].ID.String() || r.Type != "greet" || string(r.Payload) != `"`+string("abc"[i])+`"` {
				t.Errorf("%s: %+v", name, r)
			}
		}
		if code, _, errw := tool(t, args...); code != 1 || !strings.Contains(errw, "exists") {
			t.Errorf("again: %d, %q", code, errw)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.part")); err != nil || len(left) > 0 {
		t.Errorf("left %q, %v", left, err)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "x")
	for _, args := range [][]string{
		{},
		{"-out", out},
		{"-out", out, "-archive", "a", "-redis", "b"},
		{"-archive", "a"},
		{"-nosuch"},
		{"-archive", "a", "-out", out, "-kind", "nosuch"},
		{"-archive", "a", "-out", out, "-since", "yesterday"},
	} {
		if code, _, errw := tool(t, args...); code != 2 || errw == "" {
			t.Errorf("%q: %d, %q", args, code, errw)
		}
	}
	if code, _, errw := tool(t, "-archive", "nowhere", "-out", out); code != 1 || strings.Count(errw, "\n") != 1 {
		t.Errorf("%d, %q", code, errw)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a file was left")
	}
}
