package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

// workFlags is the command line of work.
type workFlags struct {
	queues, execs         []string
	lease, drain, timeout time.Duration
	retry                 int
	health, version       string
	shell, verbose        bool
}

// read judges the command line before anything is opened; what names and
// numbers the engine accepts is for the engine to say.
func (w *workFlags) read() (queues map[string]int, commands []*command, err error) {
	switch {
	case len(w.execs) == 0:
		return nil, nil, usage(errors.New("--exec is required: --exec 'TYPE=COMMAND ARGS…'"))
	case w.retry < 0:
		return nil, nil, fmt.Errorf("%w: --retry: %d is negative", task.ErrInvalidOption, w.retry)
	case w.timeout != 0 && w.timeout < time.Millisecond:
		return nil, nil, fmt.Errorf("%w: --timeout: %s is less than 1ms", task.ErrInvalidOption, w.timeout)
	}
	if queues, err = w.concurrency(); err != nil {
		return nil, nil, err
	}
	seen := map[string]bool{}
	for _, spec := range w.execs {
		c, err := parseCommand(spec, w.shell)
		if err != nil {
			return nil, nil, err
		}
		if seen[c.typ] {
			return nil, nil, usage(fmt.Errorf("--exec: type %q is given twice", c.typ))
		}
		seen[c.typ] = true
		commands = append(commands, c)
	}
	return queues, commands, nil
}

// concurrency reads the queues; the engine judges names and numbers.
func (w *workFlags) concurrency() (map[string]int, error) {
	queues := map[string]int{}
	for _, spec := range w.queues {
		name, number, given := strings.Cut(spec, "=")
		if _, twice := queues[name]; twice {
			return nil, usage(fmt.Errorf("--queue %q is given twice", name))
		}
		n := runtime.GOMAXPROCS(0)
		if given {
			var err error
			if n, err = strconv.Atoi(number); err != nil {
				return nil, usage(fmt.Errorf("--queue %q: %q is no number of commands", spec, number))
			}
		}
		queues[name] = n
	}
	if len(queues) == 0 {
		queues[engine.DefaultQueue] = runtime.GOMAXPROCS(0)
	}
	return queues, nil
}

// defaults are the options of every type this worker handles.
func (w *workFlags) defaults() []engine.DefineOption {
	opts := []engine.DefineOption{engine.Retry(w.retry)}
	if w.timeout > 0 {
		opts = append(opts, engine.Timeout(w.timeout))
	}
	return opts
}

// logger writes to stderr, because stdout belongs to the commands.
func (a *app) logger(verbose bool) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if verbose {
		o.Level = slog.LevelDebug
	}
	if a.json {
		return slog.New(slog.NewJSONHandler(a.err, o))
	}
	return slog.New(slog.NewTextHandler(a.err, o))
}
