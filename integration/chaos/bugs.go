package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// caughtWithin is how long a seeded bug may go unnoticed, all its tries together.
const caughtWithin = time.Minute

// caught is how a seeded bug fared.
type caught struct {
	Name    string  `json:"name"`
	About   string  `json:"about"`
	Run     string  `json:"run"`
	Caught  bool    `json:"caught"`
	Seconds float64 `json:"seconds"`
	By      string  `json:"by"` // the first violation
}

// runBugs builds the program with each bug, or the named ones, and expects
// violations.
func runBugs(ctx context.Context, args []string) (bool, error) {
	root, err := moduleRoot()
	if err != nil {
		return false, err
	}
	there, err := allBugs(root)
	if err != nil {
		return false, err
	}
	bugs := slices.Clone(there)
	bugs = slices.DeleteFunc(bugs, func(b seeded) bool { return len(args) > 0 && !slices.Contains(args, b.name) })
	if err := baselines(ctx, bugs); err != nil {
		return false, err
	}
	good := true
	var all []caught
	for i := range bugs {
		c, err := tryBug(ctx, root, &bugs[i])
		if err != nil {
			return false, err
		}
		verdict := "caught"
		if !c.Caught {
			verdict, good = "NOT CAUGHT", false
		}
		fmt.Printf("%-30s %-10s %5.1fs  %s\n", c.Name, verdict, c.Seconds, c.By)
		all = append(all, c)
	}
	if len(all) == 0 {
		return false, fmt.Errorf("%w: no such bug", errUsage)
	}
	return good, save(root, func(e *evidence) { e.Bugs = merged(there, e.Bugs, all) })
}

// merged is what is known of the bugs there are: the later result of each.
func merged(there []seeded, before, now []caught) (out []caught) {
	for _, b := range there {
		known := slices.Concat(before, now)
		slices.Reverse(known)
		i := slices.IndexFunc(known, func(c caught) bool { return c.Name == b.name })
		if i >= 0 {
			out = append(out, known[i])
		}
	}
	return out
}

// tryBug runs until the bug is noticed or a minute is over.
func tryBug(ctx context.Context, root string, b *seeded) (caught, error) {
	c := caught{Name: b.name, About: b.about, Run: join(b.run)}
	dir, err := os.MkdirTemp("", "tidemill-bug-")
	if err != nil {
		return c, err
	}
	defer os.RemoveAll(dir)
	overlay, err := b.overlay(root, dir)
	if err != nil {
		return c, err
	}
	program := filepath.Join(dir, "chaos")
	build := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", program, "./integration/chaos")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return c, fmt.Errorf("bug %s does not build: %w: %s", b.name, err, out)
	}
	began := time.Now()
	for seed := 1; time.Since(began) < caughtWithin && !c.Caught; seed++ {
		out, err := shortRun(ctx, program, filepath.Join(dir, itoa(seed)), seed, b.run)
		if err != nil {
			return c, fmt.Errorf("bug %s: %w", b.name, err)
		}
		c.By, c.Seconds = tells(out, b.expect), time.Since(began).Seconds()
		c.Caught = c.By != "" && time.Since(began) < caughtWithin
	}
	return c, nil
}

// shortRun makes one run of a program and returns its report.
func shortRun(ctx context.Context, program, dir string, seed int, more []string) (string, error) {
	args := []string{"run", "-quiet", "-for", "10s", "-warm", "1s", "-calm", "1s", "-drain", "15s", "-gap", "300ms", "-seed", itoa(seed), "-dir", dir}
	out, err := exec.CommandContext(ctx, program, append(args, more...)...).Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != exitViolation) {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return string(out), nil
}

// tells is the first violation of one of the expected invariants.
func tells(out string, expect []string) string {
	for line := range strings.Lines(out) {
		if invariant, _, ok := strings.Cut(line, ": "); ok && slices.Contains(expect, invariant) {
			line = strings.TrimSpace(line)
			return line[:min(len(line), 120)]
		}
	}
	return ""
}

// baselines makes the runs of bugs with the program as it is: what it is accused of
// then, no bug can be caught by.
func baselines(ctx context.Context, bugs []seeded) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	done := map[string]bool{}
	for _, b := range bugs {
		if done[join(b.run)] {
			continue
		}
		done[join(b.run)] = true
		dir, err := os.MkdirTemp("", "tidemill-bug-")
		if err != nil {
			return err
		}
		// suspects, of which these runs make many, start one by one: all shall end
		out, err := shortRun(ctx, program, filepath.Join(dir, "run"), 1, append(slices.Clone(b.run), "-drain", "90s"))
		if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
			return err
		}
		if strings.Contains(out, "BROKEN") {
			return fmt.Errorf("without a bug %s finds:\n%s", join(b.run), out)
		}
		fmt.Printf("%-30s passes without a bug\n", join(b.run))
	}
	return nil
}

// moduleRoot is the folder of go.mod.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env: %w", err)
	}
	path := string(bytes.TrimSpace(out))
	if path == "" || path == os.DevNull {
		return "", fmt.Errorf("%w: run this inside the module", errUsage)
	}
	return filepath.Dir(path), nil
}
