package cli

import (
	"bytes"
	"strings"
)

// maxTail leaves room for what stands in front of a command's error output
// ("attempt timed out: signal: terminated: "): the engine keeps 8 KiB of an
// error, and it is the end of the output that tells why.
const maxTail = 8<<10 - 64

// lastBytes is a Writer that remembers the end of what was written.
type lastBytes struct{ buf []byte }

func (t *lastBytes) Write(p []byte) (int, error) {
	n := len(p)
	p = p[max(0, n-maxTail):]
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - maxTail; over >= maxTail { // seldom, so that a byte is moved once or twice
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return n, nil
}

// String is the end of the text without space around it. A character that the
// cut went through is left out.
func (t *lastBytes) String() string {
	b := t.buf[max(0, len(t.buf)-maxTail):]
	return strings.ToValidUTF8(string(bytes.TrimSpace(b)), "")
}
