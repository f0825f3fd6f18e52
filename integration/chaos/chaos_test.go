package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/integration/check"
)

// Every seeded bug still fits the sources it changes.
func TestBugsApply(t *testing.T) {
	t.Parallel()
	root := moduleFolder(t)
	bugs, err := allBugs(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(bugs) < 13 {
		t.Errorf("%d bugs, want at least 13", len(bugs))
	}
	for _, b := range bugs {
		if _, err := b.overlay(root, t.TempDir()); err != nil {
			t.Error(err)
		}
		if _, err := parseOptions(b.run, io.Discard); err != nil {
			t.Errorf("bug %s: run: %v", b.name, err)
		}
	}
}

func TestOptionsRefused(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"-topology ring":                         `no topology "ring"`,
		"-persistence weekly":                    `no persistence "weekly"`,
		"-faults earthquake":                     `no fault "earthquake"`,
		"-faults failover":                       "failover is not for standalone but for sentinel",
		"-faults power-loss -persistence always": "power-loss wants -persistence everysec",
		"-topology container -faults clock-step": "clock-step is not for container but for standalone",
		"-for 0s":                                "lengths of time more than 0",
		"-rate 0":                                "want at least 1",
		"-lease 10ms":                            "a lease at least 500ms",
		"-what":                                  "flag provided but not defined",
		"more":                                   `unexpected "more"`,
		"-topology cluster -faults half-open,failover": "half-open is not for cluster",
	} {
		_, err := parseOptions(strings.Fields(args), io.Discard)
		if !errors.Is(err, errUsage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want a usage error with %q", args, err, want)
		}
	}
}

func TestMix(t *testing.T) {
	t.Parallel()
	for topology, least := range map[string]int{"standalone": 25, "sentinel": 10, "cluster": 10, "container": 22} {
		o := &options{topology: topology, persistence: "everysec"}
		for _, f := range o.chosen() {
			if f.loses != "nothing" && slices.Contains(single, topology) {
				t.Errorf("%s is in the mix of %s and may lose %s", f.name, topology, f.loses)
			}
		}
		if n := len(o.chosen()); n < least {
			t.Errorf("the mix of %s has %d faults, want at least %d", topology, n, least)
		}
	}
}

// The catalogue is whole, and names faults and tests that exist.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	tests := testNames(t)
	for i, c := range catalogue {
		if c.N != i+1 {
			t.Fatalf("fault %d stands at %d", c.N, i+1)
		}
		if c.By == "" {
			continue
		}
		for name := range strings.SplitSeq(c.By, ", ") {
			if find(name) == nil && !tests[name] {
				t.Errorf("catalogue %d: there is neither a fault nor a test %s", c.N, name)
			}
		}
	}
	if len(catalogue) != 76 {
		t.Errorf("%d faults, want 76", len(catalogue))
	}
}

// testNames are the tests of the module.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names, decl := map[string]bool{}, regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(moduleFolder(t), func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range decl.FindAllSubmatch(text, -1) {
			names[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestRender(t *testing.T) {
	t.Parallel()
	if _, err := render(&evidence{}); !errors.Is(err, errUsage) {
		t.Errorf("a page without runs: %v", err)
	}
	e := &evidence{Machine: "m", Bugs: []caught{{Name: "b"}}, Soak: []result{{Seed: 7, Topology: "cluster", Durability: "memory", Faults: map[string]int{"reset": 2}, Report: check.Report{Acknowledged: 41}}}}
	e.keep("reset", result{Seed: 1, Topology: "standalone", Faults: map[string]int{"reset": 3}})
	page, err := render(e)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2 faults that bit, 41 acknowledged", "| `reset` |", "1 / 3 / 0 / 0 / 0 / 0 |  | 2 |", "TOPOLOGY=cluster PERSISTENCE=none` with SEED=7"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// A process that ends by itself is started again, and tells so; retiring it ends it.
func TestMemberComesBack(t *testing.T) {
	t.Parallel()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	m := &member{role: role{Kind: "nothing", Name: "n"}, log: log, done: make(chan struct{})}
	go m.live() // ended by retire
	w := &world{}
	if !w.until(t.Context(), 10*time.Second, func() bool { m.mu.Lock(); defer m.mu.Unlock(); return m.lives >= 2 }) {
		t.Error("it was not started again")
	}
	if err := m.retire(t.Context()); err != nil {
		t.Error(err)
	}
	if len(m.own) == 0 {
		t.Error("an end that nobody asked for was not noted")
	}
}

func TestMain(m *testing.M) {
	if text := os.Getenv(roleEnv); text != "" {
		if err := play(text); err != nil {
			os.Exit(exitError)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func moduleFolder(t *testing.T) string {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	return root
}
