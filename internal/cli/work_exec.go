package cli

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"

	"github.com/mattn/go-shellwords"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

// exitBury is the exit status by which a command says that no retry would help:
// EX_DATAERR of sysexits.
const exitBury = exitData

// command is how tasks of one type are run.
type command struct {
	typ  string
	argv []string
}

// parseCommand reads TYPE=COMMAND ARGS….
func parseCommand(spec string, shell bool) (*command, error) {
	typ, line, ok := strings.Cut(spec, "=")
	if !ok {
		return nil, usage(fmt.Errorf("--exec %q: want TYPE=COMMAND ARGS…", spec))
	}
	if err := task.ValidName("type", typ); err != nil {
		return nil, fmt.Errorf("--exec: %w", err)
	}
	if strings.TrimSpace(line) == "" {
		return nil, usage(fmt.Errorf("--exec %s: no command", typ))
	}
	if shell {
		return &command{typ: typ, argv: []string{"/bin/sh", "-c", line}}, nil
	}
	argv, err := splitWords(line)
	if err == nil {
		_, err = exec.LookPath(argv[0])
	}
	if err != nil {
		return nil, usage(fmt.Errorf("--exec %s: %w", typ, err))
	}
	return &command{typ: typ, argv: argv}, nil
}

// splitWords splits a line as a shell would, and expands nothing.
func splitWords(line string) ([]string, error) {
	p := shellwords.NewParser()
	p.ParseEnv, p.ParseBacktick, p.ParseComment = false, false, false
	words, err := p.Parse(line)
	switch {
	case err != nil:
		return nil, errors.New("a quote is not closed, or a parenthesis is not quoted")
	case p.Position >= 0: // where the parser stopped, leaving out the rest
		return nil, errors.New("one of ; & | < > is not quoted: quote it, or use --shell")
	case len(words) == 0 || words[0] == "":
		return nil, errors.New("no command")
	}
	return words, nil
}

// runner runs the commands of one worker.
type runner struct {
	out     io.Writer // gets the commands' standard output
	env     []string  // beyond that of every command
	running sync.WaitGroup
}

// handler runs tasks by the command.
func (r *runner) handler(c *command) func(context.Context, []byte) error {
	return func(ctx context.Context, payload []byte) error {
		d, ok := engine.Current(ctx)
		if !ok {
			panic("cli: a handler without a delivery")
		}
		r.running.Add(1)
		defer r.running.Done()
		return r.run(ctx, c, d, payload)
	}
}

// run starts the command for one delivery and turns its end into an answer. The
// payload is input, never an argument: nothing evaluates it. The result is what the
// command prints, or nothing: that is one, too.
func (r *runner) run(ctx context.Context, c *command, d *engine.Delivery, payload []byte) error {
	var stderr lastBytes
	stdout := printed{sum: sha256.New(), to: r.out}
	cmd := exec.Command(c.argv[0], c.argv[1:]...)
	cmd.Stdin = bytes.NewReader(payload)
	cmd.Env = append(append(os.Environ(), r.env...),
		"TIDEMILL_TASK_ID="+d.ID.String(), "TIDEMILL_TYPE="+string(d.Type),
		"TIDEMILL_QUEUE="+string(d.Queue), "TIDEMILL_ATTEMPT="+strconv.Itoa(d.Attempt))
	err := runGroup(ctx, cmd, &stdout, &stderr)
	engine.Result(ctx, stdout.sum.Sum(nil))
	return cmp.Or(answer(err, stderr.String()), stdout.err)
}

// answer is what a command's end means to the task.
func answer(err error, stderr string) error {
	if err == nil || errors.Is(err, exec.ErrWaitDelay) { // it succeeded, though its payload or output was held open
		return nil
	}
	text := err.Error()
	if stderr != "" {
		text += ": " + stderr
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == exitBury {
		return engine.Bury(errors.New(text))
	}
	return errors.New(text)
}

// printed digests what a command prints on standard output, and passes it on.
type printed struct {
	sum hash.Hash
	to  io.Writer
	err error // of passing it on
}

func (p *printed) Write(b []byte) (n int, err error) {
	p.sum.Write(b)
	n, err = p.to.Write(b)
	p.err = cmp.Or(p.err, err)
	return n, err
}

// lockedWriter lets commands that run at once write to w.
type lockedWriter struct {
	mu sync.Mutex // guards w
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
