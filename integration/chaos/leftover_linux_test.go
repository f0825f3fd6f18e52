package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/internal/redistest"
)

// A run that is killed with -9 leaves no process behind: neither servers nor
// workers.
func TestNothingIsLeftOver(t *testing.T) {
	t.Parallel()
	redistest.URL(t) // or this machine has no server
	dir := t.TempDir()
	program := filepath.Join(dir, "chaos")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	run := exec.Command(program, "run", "-faults", "freeze-worker", "-dir", filepath.Join(dir, "run"), "-for", "60s")
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Wait() }) // it was killed
	t.Cleanup(func() { _ = run.Process.Kill() })
	w := &world{}
	var children []string
	up := w.until(t.Context(), 20*time.Second, func() bool {
		children = childrenOf(t, run.Process.Pid)
		return len(children) >= 7 // Redis and six members
	})
	if !up {
		t.Fatalf("%d processes came up, want 7", len(children))
	}
	if err := run.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = run.Wait() // or it stays as a zombie
	gone := func() bool {
		return !slices.ContainsFunc(children, func(pid string) bool { _, alive := parentOf(pid); return alive })
	}
	if !w.until(t.Context(), 5*time.Second, gone) {
		t.Errorf("some of the processes %s are left over", children)
	}
}

// childrenOf are the processes that one has started.
func childrenOf(t *testing.T, pid int) (found []string) {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		if parent, alive := parentOf(filepath.Base(p)); alive && parent == pid {
			found = append(found, filepath.Base(p))
		}
	}
	return found
}

// parentOf reads who started a process; alive is false when it has ended.
func parentOf(pid string) (parent int, alive bool) {
	stat, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return 0, false
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the name may hold anything
	var state string
	if _, err := fmt.Sscan(rest, &state, &parent); err != nil {
		return 0, false
	}
	return parent, state != "Z"
}
