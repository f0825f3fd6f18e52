// Package cli is the command line, one file a command. [Run] is all of it.
//
// Output is text for people, or JSON with --json, one value a line. Errors go to
// stderr on one line; a hint on the next says what to do. Text that users made
// (payloads, errors, names) is quoted before it reaches a terminal.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
)

// app is what every command needs.
type app struct {
	in        io.Reader
	out, err  io.Writer
	url       string
	namespace string
	json      bool
}

// Run executes one command line and returns its exit code.
func Run(ctx context.Context, args []string, in io.Reader, out, errw io.Writer) int {
	a := &app{in: in, out: out, err: errw}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errw)
	err := root.ExecuteContext(ctx)
	return a.finish(err)
}

// Main runs the process: the first signal cancels ctx, a second one ends the
// process at once.
func Main() int {
	redis.SetLogger(silent{}) // what it says comes back as an error, on one line
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	defer stop()
	return Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}

// silent is a logger of go-redis.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "tidemill",
		Short:         "A task engine on Redis Streams whose queue is its own history",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	f := root.PersistentFlags()
	f.StringVar(&a.url, "redis", "", "Redis `URL` (default $TIDEMILL_REDIS, else redis://127.0.0.1:6379)")
	f.StringVar(&a.namespace, "namespace", cmp.Or(os.Getenv("TIDEMILL_NAMESPACE"), "default"), "namespace `NAME`, also $TIDEMILL_NAMESPACE")
	f.BoolVar(&a.json, "json", false, "JSON, one value a line")
	root.AddCommand(a.commands()...)
	return root
}

// commands lists every command, in the order of the help.
func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		a.demoCommand(), a.workCommand(), a.enqueueCommand(), a.workerCommand(),
		a.queuesCommand(), a.nodesCommand(), a.lsCommand(), a.showCommand(), a.tailCommand(), a.deadCommand(),
		a.cancelCommand(), a.redactCommand(), a.pauseCommand(), a.resumeCommand(), a.retentionCommand(), a.holdCommand(),
		a.logCommand(), a.stateCommand(), a.statsCommand(), a.replayCommand(), a.fsckCommand(), a.archiveCommand(), a.verifyCommand(), a.auditCommand(), a.restoreCommand(), a.doctorCommand(), a.benchCommand(), a.versionCommand(),
	}
}

// address is the Redis to talk to. The password stays out of the command line
// when it comes from the environment.
func (a *app) address() string {
	return cmp.Or(a.url, os.Getenv("TIDEMILL_REDIS"), "redis://127.0.0.1:6379")
}

// open connects; the caller closes.
func (a *app) open(ctx context.Context, o engine.Options) (*engine.Engine, error) {
	o.Namespace = a.namespace
	return engine.Open(ctx, a.address(), o)
}

// with opens an engine for the length of one call.
func (a *app) with(ctx context.Context, fn func(*engine.Engine) error) error {
	eng, err := a.open(ctx, engine.Options{})
	if err != nil {
		return err
	}
	return errors.Join(fn(eng), eng.Close())
}

// printJSON writes one value as a line.
func (a *app) printJSON(v any) error {
	line, err := marshalLine(v)
	if err == nil {
		_, err = a.out.Write(line)
	}
	return err
}

func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.out, format, args...) }
