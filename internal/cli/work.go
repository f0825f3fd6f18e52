package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
)

const workLong = `Work runs tasks by starting a command for each: a worker for people who write no Go.

The payload comes on the command's standard input. Its environment is the worker's, with
TIDEMILL_TASK_ID, TIDEMILL_TYPE, TIDEMILL_ATTEMPT and TIDEMILL_QUEUE. Exit status 0: the task
succeeded. 65: it is dead, no retry would help. Anything else: it is tried again, after a
backoff. The last 8 KiB of standard error become the error that show prints; standard output
goes on to the worker's own, and a success keeps a digest of it, by which replay compares. A
task may run twice, when a node died before it could report.

Words are split as a shell would split them: quote with '…' or "…" (between '…' every character
is itself; elsewhere a backslash quotes the next one, and \n and \t are newline and tab). Nothing
is expanded, and a | or > that is not quoted is refused. --shell has /bin/sh -c run the command
instead; the payload is never a part of it.

A command runs in a process group of its own. When its attempt times out, is cancelled or lost its
lease, or when the drain is over, the whole group gets SIGTERM and shortly after SIGKILL. What it
leaves running when it ends is killed too.

Ctrl-C drains: no new task starts, what runs may end within --drain. A second Ctrl-C leaves at once;
other workers then take over what ran here after one lease.`

const workExample = `  tidemill work --queue mail=8 --exec 'email.send=python3 send.py'
  tidemill work --exec 'report=./report' --exec 'thumb=convert - -resize 200 out.png' --timeout 5m
  tidemill work --shell --exec 'log=jq -r .text >> tasks.log' --health 8080`

func (a *app) workCommand() *cobra.Command {
	var w workFlags
	cmd := &cobra.Command{
		Use: "work --queue Q[=N] --exec 'TYPE=COMMAND ARGS…'", Short: "Run tasks by starting a command for each",
		Long: workLong, Example: workExample, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.work(cmd.Context(), &w) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&w.queues, "queue", nil, "work on `Q[=N]`, with at most N commands at once; repeatable (default: queue default; N one per CPU)")
	f.StringArrayVar(&w.execs, "exec", nil, "run tasks by `'TYPE=COMMAND ARGS…'`; repeatable")
	f.BoolVar(&w.shell, "shell", false, "have /bin/sh -c run the commands")
	f.DurationVar(&w.timeout, "timeout", 0, "limit of one attempt, where the task has none of its own")
	f.IntVar(&w.retry, "retry", engine.DefaultRetries, "retries after the first attempt, where the task has no number of its own")
	f.DurationVar(&w.lease, "lease", engine.DefaultLease, "how long this worker may be silent before others take its work")
	f.DurationVar(&w.drain, "drain", engine.DefaultDrain, "how long commands may go on after Ctrl-C")
	f.StringVar(&w.health, "health", "", "serve /healthz and /readyz at `ADDR`: 8080 is this machine alone, :8080 all of its addresses")
	f.StringVar(&w.version, "version", "", "of the programs, which the history tells with each outcome `VERSION` (default that of tidemill)")
	f.BoolVarP(&w.verbose, "verbose", "v", false, "log every outcome, not only what went wrong")
	_ = cmd.RegisterFlagCompletionFunc("queue", a.completeQueues) // fails only where the flag does not exist
	return cmd
}

// work runs until ctx ends, drains, and is nil after a clean stop.
func (a *app) work(ctx context.Context, w *workFlags) (err error) {
	queues, commands, err := w.read()
	if err != nil {
		return err
	}
	if err := a.refuseMemory(); err != nil {
		return err
	}
	eng, err := a.open(ctx, engine.Options{
		Queues: queues, Lease: w.lease, Drain: w.drain, Version: w.version, Observer: engine.Slog(a.logger(w.verbose)),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, eng.Close()) }()
	h, err := startHealth(ctx, w.health, eng.Ready)
	if err != nil {
		return err
	}
	defer h.close()
	r := &runner{out: &lockedWriter{w: a.out}}
	for _, c := range commands {
		engine.Handle(eng, engine.Define[[]byte](c.typ, w.defaults()...), r.handler(c))
	}
	if err := a.sayStarted(eng.Server(), queues, commands, h.addr()); err != nil {
		return err
	}
	err = eng.Run(ctx)
	r.running.Wait() // what the engine gave up while it was being killed
	return err
}

// started is what work says first.
type started struct {
	Queues map[string]int `json:"queues"`
	Types  []string       `json:"types"`
	Redis  string         `json:"redis"`
	Server engine.Server  `json:"server"`
	Health string         `json:"health,omitempty"`
}

func (a *app) sayStarted(server engine.Server, queues map[string]int, commands []*command, health string) error {
	s := started{Queues: queues, Redis: withoutSecrets(a.address()), Server: server, Health: health}
	for _, c := range commands {
		s.Types = append(s.Types, c.typ)
	}
	if a.json {
		return a.printJSON(s)
	}
	var on []string
	for _, q := range slices.Sorted(maps.Keys(queues)) {
		on = append(on, fmt.Sprintf("%s=%d", q, queues[q]))
	}
	a.printf("working on %s; types %s; %s %s at %s; durability %s", strings.Join(on, ", "), strings.Join(s.Types, ", "),
		clean(server.Name), clean(server.Version), clean(s.Redis), server.Durability)
	if health != "" {
		a.printf("; health http://%s", health)
	}
	a.printf("\n")
	return nil
}

// withoutSecrets is a Redis URL as it may be shown.
func withoutSecrets(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "redis"
	}
	u.User, u.RawQuery = nil, ""
	return u.String()
}

// refuseMemory keeps from mem:// what it would lose: it ends with this process.
func (a *app) refuseMemory() error {
	if !strings.HasPrefix(a.address(), "mem:") {
		return nil
	}
	return &exitError{
		code: exitUsage, err: errors.New("mem:// lives and ends with one process: no task could come in or stay"),
		hint: "name a server with --redis redis://HOST:PORT or TIDEMILL_REDIS",
	}
}
