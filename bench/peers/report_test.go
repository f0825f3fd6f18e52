package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var rewrite = flag.Bool("rewrite", false, "write testdata anew")

func sample() *Report {
	result := func(peer, scenario, metric, unit string, value, least, most float64) Result {
		return Result{Peer: peer, Version: "v1", Settings: "defaults", Scenario: scenario, Metric: metric, Unit: unit, Value: value, Min: least, Max: most, Rounds: 5, Tasks: 100}
	}
	return &Report{
		Taken:   time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
		Machine: Machine{CPU: "Cray-1", CPUs: 2, MemoryMB: 8, Kernel: "6.1", Go: "go1.26", Redis: "Redis 7.0.15", Postgres: "PostgreSQL 15.18", Load: "0.00"},
		Command: "cd bench/peers && go run .",
		Peers:   []Peer{{"tidemill", "v1", "defaults"}, {"asynq", "v1", "defaults"}},
		Missing: []Missing{{Peer: "BullMQ", Reason: "no node | no npm"}, {Peer: "asynq", Scenario: "enqueue bulk", Reason: "it has no such feature"}},
		Results: []Result{
			result("tidemill", "enqueue bulk", "rate", "tasks/s", 415_300, 400_000, 470_123),
			result("tidemill", "pickup at 1000/s", "p50", "ms", 0.1234, 0.1, 0.2),
			result("tidemill", "pickup at 1000/s", "p99", "ms", 1.5, 1, 12.34),
			result("asynq", "pickup at 1000/s", "p50", "ms", -447, -500, 520),
			result("asynq", "pickup at 1000/s", "p99", "ms", 1194, 1000, 2000),
		},
	}
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	var got bytes.Buffer
	r := sample()
	r.chartBase = "2026-11-22-peers"
	if err := r.writeMarkdown(&got); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "report.md")
	if *rewrite {
		if err := os.WriteFile(path, got.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got.String()); d != "" {
		t.Errorf("%s (-want +got; -rewrite accepts it):\n%s", path, d)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	want := sample()
	if err := want.writeJSON(&b); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{`"peer"`, `"version"`, `"settings"`, `"scenario"`, `"metric"`, `"unit"`, `"value"`, `"min"`, `"max"`, `"rounds"`} {
		if !strings.Contains(b.String(), name) {
			t.Errorf("no %s in the JSON", name)
		}
	}
	var got Report
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, &got, cmpopts.IgnoreUnexported(Report{})); d != "" {
		t.Errorf("after a round trip (-want +got):\n%s", d)
	}
}

func TestSave(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := sample().save(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".json", ".md", "-enqueue-bulk.svg", "-pickup-at-1000-s-p50.svg", "-pickup-at-1000-s-p99.svg"} {
		b, err := os.ReadFile(filepath.Join(dir, "2026-11-22-peers"+name))
		if err != nil || len(b) == 0 {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
}

// TestRender: what was measured is written again from its JSON.
func TestRender(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := sample().save(dir); err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(dir, "2026-11-22-peers")
	want, err := os.ReadFile(base + ".md")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(base + ".md"); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"-render", base + ".json"}, nil, os.Stderr); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(base + ".md")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if err := render(base + ".md"); err == nil {
		t.Error("of a file that is no JSON: got no error")
	}
}

// TestRanks: a figure of one round, or of rounds that differ by more than their
// median, is marked.
func TestRanks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		r    Result
		want string
	}{
		{Result{Value: 100, Min: 50, Max: 150, Rounds: 3}, "100"},
		{Result{Value: 100, Min: 50, Max: 151, Rounds: 3}, "~ 100"},
		{Result{Value: -100, Min: -150, Max: -50, Rounds: 3}, "-100"},
		{Result{Value: 100, Min: 100, Max: 100, Rounds: 1}, "~ 100"},
	} {
		if got := c.r.figure(); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.r, got, c.want)
		}
	}
}

func TestFigure(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0.1234: "0.12", 12.34: "12.3", 123.4: "123", 1234: "1234", 12_345: "12.3 k", 123_456: "123 k", -447.2: "-447", -1.5: "-1.50"} {
		if got := figure(v); got != want {
			t.Errorf("figure(%v): got %q, want %q", v, got, want)
		}
	}
}
