package rerun

import "strings"

// maxText bounds what is kept of an error.
const maxText = 200

// firstLine is a text as a line of a report.
func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.ToValidUTF8(line[:min(len(line), maxText)], "\ufffd")
}
