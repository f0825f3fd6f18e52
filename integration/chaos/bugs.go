package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	bugs, err := allBugs(root)
	if err != nil {
		return false, err
	}
	good := true
	var all []caught
	for i := range bugs {
		if len(args) > 0 && !slices.Contains(args, bugs[i].name) {
			continue
		}
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
	if len(args) == 0 {
		return good, save(root, func(e *evidence) { e.Bugs = all })
	}
	return good, nil
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
		args := append([]string{"run", "-quiet", "-for", "10s", "-warm", "1s", "-calm", "1s", "-drain", "15s", "-gap", "300ms", "-seed", itoa(seed), "-dir", filepath.Join(dir, itoa(seed))}, b.run...)
		out, err := exec.CommandContext(ctx, program, args...).Output()
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != exitViolation) {
			return c, fmt.Errorf("bug %s: %w: %s", b.name, err, out)
		}
		c.Caught, c.Seconds = err != nil, time.Since(began).Seconds()
		c.By = firstViolation(out)
	}
	return c, nil
}

// firstViolation is the line of a report that tells it.
func firstViolation(out []byte) string {
	for line := range strings.Lines(string(out)) {
		if violation.MatchString(line) {
			line = strings.TrimSpace(line)
			return line[:min(len(line), 120)]
		}
	}
	return ""
}

var violation = regexp.MustCompile(`^(I\d+|run|stuck)\b`)

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
