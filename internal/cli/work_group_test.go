//go:build unix

package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/engine"
)

// runScript runs a shell script as a group and returns what tells its end: alive
// reads the script's first line and then, when every process that has it open
// is gone, the end.
func runScript(ctx context.Context, t *testing.T, script string) (alive *bufio.Reader, result <-chan error) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	cmd := exec.Command("sh", "-c", "exec >&3; "+script)
	cmd.Dir, cmd.ExtraFiles = t.TempDir(), []*os.File{w}
	done := make(chan error, 1)
	go func() {
		done <- runGroup(ctx, cmd, io.Discard, io.Discard)
		w.Close()
	}()
	return bufio.NewReader(r), done
}

func awaitLine(t *testing.T, r *bufio.Reader) {
	t.Helper()
	if _, err := r.ReadString('\n'); err != nil {
		t.Fatalf("the script did not start: %v", err)
	}
}

// awaitEnd fails where a process of the group is left: the test would hang.
func awaitEnd(t *testing.T, r *bufio.Reader) {
	t.Helper()
	if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
		t.Errorf("got %q, %v, want nothing more", rest, err)
	}
}

func TestGroupEndsWithContext(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, script, want string
	}{
		{"obeys", `sleep 300 & echo; wait`, "signal: terminated"},
		{"ignores", `trap '' TERM; sleep 300 & echo; while :; do sleep 300; done`, "signal: killed"},
		{"child ignores", `(trap '' TERM; echo; sleep 300) & wait`, "signal: terminated"},
		{"gives up", `trap 'exit 7' TERM; sleep 300 & echo; wait`, "exit status 7"},
		{"succeeds", `trap 'exit 0' TERM; sleep 300 & echo; wait`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			alive, result := runScript(ctx, t, tt.script)
			awaitLine(t, alive)
			cancel(engine.ErrTimeout)
			err := <-result
			if got := errText(err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			awaitEnd(t, alive)
		})
	}
}

func errText(err error) string {
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		return ""
	}
	return err.Error()
}

func TestGroupLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	alive, result := runScript(t.Context(), t, `sleep 300 & echo; exit 3`)
	awaitLine(t, alive)
	if err := <-result; errText(err) != "exit status 3" {
		t.Errorf("got %v, want exit status 3", err)
	}
	awaitEnd(t, alive)
}

// What a child of a dead leader does when it is asked to end is waited for.
func TestGroupWaitsForChildren(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	alive, result := runScript(ctx, t, `(trap 'sleep 0.3; echo cleaned; exit' TERM; echo; while :; do sleep 0.01; done) & wait`)
	awaitLine(t, alive)
	cancel(engine.ErrTimeout)
	if err := <-result; errText(err) != "signal: terminated" {
		t.Errorf("got %v, want it terminated", err)
	}
	if rest, err := io.ReadAll(alive); err != nil || string(rest) != "cleaned\n" {
		t.Errorf("got %q, %v, want cleaned", rest, err)
	}
}

// The same is true of what it prints then.
func TestGroupOutputIsWhole(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	out := watched{on: func() { cancel(engine.ErrTimeout) }}
	script := `(trap 'sleep 0.3; echo cleaned; exit' TERM; echo began; while :; do sleep 0.01; done) & wait`
	err := runGroup(ctx, exec.Command("sh", "-c", script), &out, io.Discard)
	if errText(err) != "signal: terminated" || out.String() != "began\ncleaned\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
}

// TestGroupOutputIsNotTaken: who writes what nobody takes any more is told so.
func TestGroupOutputIsNotTaken(t *testing.T) {
	t.Parallel()
	err := runGroup(t.Context(), exec.Command("sh", "-c", "while echo more; do :; done; exit 7"), refusing{}, io.Discard)
	if got := errText(err); got != "exit status 7" && got != "signal: broken pipe" {
		t.Errorf("got %v", err)
	}
}

// watched calls on when something is written.
type watched struct {
	strings.Builder
	on func()
}

func (w *watched) Write(b []byte) (int, error) {
	w.on()
	return w.Builder.Write(b)
}

func TestGroupIsNotStartedTooLate(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(engine.ErrLeaseLost)
	_, result := runScript(ctx, t, "echo; sleep 300")
	if err := <-result; !errors.Is(err, engine.ErrLeaseLost) {
		t.Errorf("got %v, want %v", err, engine.ErrLeaseLost)
	}
}

// The engine gives a handler a second to return, after which the task may start
// elsewhere: nothing of the attempt may run then.
func TestGraceEndsBeforeTheEngineGivesUp(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{engine.ErrTimeout, engine.ErrDraining, engine.ErrLeaseLost} {
		if g := grace(cause); g >= time.Second || g < 500*time.Millisecond {
			t.Errorf("%v: got %s", cause, g)
		}
	}
	if g := grace(engine.ErrCancelled); g != 2*time.Second {
		t.Errorf("%v: got %s, want 2s", engine.ErrCancelled, g)
	}
}

func TestPayloadIsInputAlone(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	cmd := exec.Command("sh", "-c", "cat; :")
	cmd.Stdin = strings.NewReader("$(exit 9) `exit 9` ; exit 9")
	if err := runGroup(t.Context(), cmd, &out, io.Discard); err != nil || out.String() != "$(exit 9) `exit 9` ; exit 9" {
		t.Errorf("got %q, %v", out.String(), err)
	}
}
