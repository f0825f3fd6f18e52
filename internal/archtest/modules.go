package archtest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// linked lists the other modules that the package in dir pulls into a program,
// one a line, for linux/amd64 whatever the machine.
func linked(root, dir string) ([]byte, error) {
	const format = `{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}`
	cmd := exec.Command("go", "list", "-deps", "-f", format, "./"+dir)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list -deps ./%s: %w\n%s", dir, err, &stderr)
	}
	return sortedLines(out), nil
}

// sortedLines sorts the lines of b and drops empty and repeated ones.
func sortedLines(b []byte) []byte {
	lines := strings.Fields(string(b))
	slices.Sort(lines)
	lines = slices.Compact(lines)
	if len(lines) == 0 {
		return nil
	}
	return []byte(strings.Join(lines, "\n") + "\n")
}
