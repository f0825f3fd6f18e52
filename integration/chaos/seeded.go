package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// seeded is one bug on purpose: texts of our sources that are replaced, and the
// run that must notice. Lines of a .bug file:
//
//	about: what is wrong
//	run: options of the run that must find it, and that a program without it passes
//	expect: the invariants that tell; another violation is not enough
//	file: the source that the next lines are about
//	-a line as it is, several make one text
//	+a line as it shall be
type seeded struct {
	name, about string
	run, expect []string
	edits       []edit
}

// edit replaces a text, which must be in the file exactly once.
type edit struct{ file, from, to string }

// readBug reads one .bug file.
func readBug(path string) (seeded, error) {
	b := seeded{name: strings.TrimSuffix(filepath.Base(path), ".bug")}
	text, err := os.ReadFile(path)
	if err != nil {
		return b, err
	}
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		at := len(b.edits) - 1
		switch {
		case strings.HasPrefix(line, "about: "):
			b.about = line[len("about: "):]
		case strings.HasPrefix(line, "run: "):
			b.run = strings.Fields(line[len("run: "):])
		case strings.HasPrefix(line, "expect: "):
			b.expect = strings.Fields(line[len("expect: "):])
		case strings.HasPrefix(line, "file: "):
			b.edits = append(b.edits, edit{file: line[len("file: "):]})
		case strings.HasPrefix(line, "-") && at >= 0:
			b.edits[at].from = joinLines(b.edits[at].from, line[1:])
		case strings.HasPrefix(line, "+") && at >= 0:
			b.edits[at].to = joinLines(b.edits[at].to, line[1:])
		default:
			return b, fmt.Errorf("%s line %d: not understood: %q", path, i+1, line)
		}
	}
	if b.about == "" || len(b.run) == 0 || len(b.expect) == 0 || len(b.edits) == 0 {
		return b, fmt.Errorf("%s: about, run, expect or file is missing", path)
	}
	return b, nil
}

func joinLines(text, line string) string {
	if text == "" {
		return line
	}
	return text + "\n" + line
}

// allBugs reads the folder of bugs, by name.
func allBugs(root string) (all []seeded, err error) {
	paths, err := filepath.Glob(filepath.Join(root, "integration", "bugs", "*.bug"))
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	for _, p := range paths {
		b, err := readBug(p)
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

// overlay writes the changed sources into dir, and the file that go build
// -overlay takes; it returns its path. The sources of the tree stay as they are.
func (b *seeded) overlay(root, dir string) (string, error) {
	sources, replace := map[string]string{}, map[string]string{}
	for _, e := range b.edits {
		path := filepath.Join(root, e.file)
		if _, ok := sources[path]; !ok {
			text, err := os.ReadFile(path)
			if err != nil {
				return "", fmt.Errorf("bug %s: %w", b.name, err)
			}
			sources[path] = string(text)
		}
		if n := strings.Count(sources[path], e.from); n != 1 || e.from == "" {
			return "", fmt.Errorf("bug %s: %s has its text %d times, want once: the bug is out of date", b.name, e.file, n)
		}
		sources[path] = strings.Replace(sources[path], e.from, e.to, 1)
	}
	for path, text := range sources {
		to := filepath.Join(dir, fmt.Sprintf("%d-%s", len(replace), filepath.Base(path)))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[path] = to
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, text, 0o600)
}
