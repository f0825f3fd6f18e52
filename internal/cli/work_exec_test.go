package cli

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

func TestSplitWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		line string
		want []string
		err  string
	}{
		{`send --to a@b.c`, []string{"send", "--to", "a@b.c"}, ""},
		{`send 'a  b' "c d" e\ f ''`, []string{"send", "a  b", "c d", "e f", ""}, ""},
		{`grep '\d+ $HOME *' ~`, []string{"grep", `\d+ $HOME *`, "~"}, ""},
		{`echo $HOME *.go "${PATH}" # no`, []string{"echo", "$HOME", "*.go", "${PATH}", "#", "no"}, ""},
		{"echo `id` $(id -u)", []string{"echo", "`id`", "$(id -u)"}, ""},
		{`sh -c 'a | b; c > d'`, []string{"sh", "-c", "a | b; c > d"}, ""},
		{`a | b`, nil, "--shell"},
		{`a > b`, nil, "--shell"},
		{`a && b`, nil, "--shell"},
		{`a; rm -rf x`, nil, "--shell"},
		{`a 'b`, nil, "not closed"},
		{`a (b)`, nil, "not quoted"},
		{`''`, nil, "no command"},
		{`> b`, nil, "--shell"},
	} {
		got, err := splitWords(tt.line)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.line, diff)
		}
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: got error %v, want %q", tt.line, err, tt.err)
		}
	}
}

func TestParseCommand(t *testing.T) {
	t.Parallel()
	c, err := parseCommand("email.send=cat -u=1 -", false)
	if err != nil || c.typ != "email.send" || !cmp.Equal(c.argv, []string{"cat", "-u=1", "-"}) {
		t.Errorf("got %+v, %v", c, err)
	}
	c, err = parseCommand("x=cat > $OUT; true", true)
	if err != nil || !cmp.Equal(c.argv, []string{"/bin/sh", "-c", "cat > $OUT; true"}) {
		t.Errorf("got %+v, %v", c, err)
	}
	for spec, want := range map[string]int{
		"email.send": exitUsage, "=cat": exitData, "a b=cat": exitData, "x=": exitUsage, "x=  ": exitUsage,
		"x=/no/such/file": exitUsage, "x=no-such-command-anywhere": exitUsage,
	} {
		if _, err := parseCommand(spec, false); err == nil {
			t.Errorf("%s: got nil, want an error", spec)
		} else if code, _ := classify(err); code != want {
			t.Errorf("%s: got exit code %d, want %d: %v", spec, code, want, err)
		}
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	run := func(script string) error { return exec.Command("sh", "-c", script).Run() }
	if err := answer(nil, "warned"); err != nil {
		t.Errorf("exit 0: got %v, want nil", err)
	}
	if err := answer(exec.ErrWaitDelay, ""); err != nil {
		t.Errorf("exit 0 and something left: got %v, want nil", err)
	}
	if err := answer(run("exit 3"), "no\nroute"); err == nil || err.Error() != "exit status 3: no\nroute" {
		t.Errorf("exit 3: got %v", err)
	}
	if err := answer(run("kill -9 $$"), ""); err == nil || err.Error() != "signal: killed" {
		t.Errorf("killed: got %v", err)
	}
	err := answer(run("exit 65"), "bad address")
	if want := fmt.Sprintf("%T", engine.Bury(nil)); err == nil || err.Error() != "exit status 65: bad address" || fmt.Sprintf("%T", err) != want {
		t.Errorf("exit 65: got %T %v, want %s", err, err, want)
	}
}

// performed runs a shell command for one delivery, as work and replay do.
func performed(t *testing.T, script string, out io.Writer) task.Settlement {
	t.Helper()
	r := &runner{out: out}
	d := &engine.Delivery{Type: "t", Payload: []byte("payload"), Attempt: 1}
	s, err := engine.Perform(t.Context(), engine.Define[[]byte]("t"), r.handler(&command{typ: "t", argv: []string{"sh", "-c", script}}), d)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestCommandResult: it is what was printed, and goes on to the worker's output.
func TestCommandResult(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{"cat": "payload", ":": "", "echo no >&2; printf '%300000s'; exit 3": strings.Repeat(" ", 300_000)} {
		var out strings.Builder
		s := performed(t, script, &out)
		sum := sha256.Sum256([]byte(want))
		if want := sha256.Sum256(append([]byte{0, 0, 0, 0, 0, 0, 0, 32}, sum[:]...)); s.Result != task.Digest(want[:16]) {
			t.Errorf("%s: got result %s, want %x", script, s.Result, want[:16])
		}
		if out.String() != want {
			t.Errorf("%s: got %d bytes of output, want %d", script, out.Len(), len(want))
		}
	}
}

type refusing struct{}

func (refusing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// TestCommandOutputRefused: a command that succeeded, and whose output could not be
// passed on, is run again.
func TestCommandOutputRefused(t *testing.T) {
	t.Parallel()
	if s := performed(t, "echo", refusing{}); s.Kind != task.OutcomeRetry || s.Error != io.ErrShortWrite.Error() {
		t.Errorf("got %+v", s)
	}
}
