// Command tidemill-s3archive keeps a Tidemill archive in an S3-compatible store.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/contrib/s3archive"
	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/replay/archive"
)

func main() {
	redis.SetLogger(silent{}) // what it says comes back as an error, on one line
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// silent is a logger of go-redis.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// app is what every command needs.
type app struct{ out, err io.Writer }

// run executes one command line and returns its exit code: 0, 1 if something failed
// or was tampered with, 2 if the command line is wrong.
func run(ctx context.Context, args []string, out, errw io.Writer) int {
	a := &app{out, errw}
	root := &cobra.Command{
		Use: "tidemill-s3archive", Short: "Keep a Tidemill archive in an S3-compatible store", Args: cobra.NoArgs,
		Long: "Places are s3://BUCKET/PREFIX?endpoint=https://HOST&region=NAME; insecure=true allows http. Credentials\n" +
			"come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the shared file, or the role of the machine.",
		SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	root.AddCommand(a.runCommand(), a.verifyCommand(), a.lsCommand(), a.copyCommand())
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errw)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	code, hint := classify(err)
	a.complain(err)
	if hint != "" {
		fmt.Fprintf(errw, "hint: %s\n", hint)
	}
	return code
}

func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.out, format, args...) }

// complain prints an error on one line.
func (a *app) complain(err error) {
	fmt.Fprintf(a.err, "tidemill-s3archive: %s\n", strings.Join(strings.Fields(err.Error()), " "))
}

// exitError carries an exit code and what to do next.
type exitError struct {
	code int
	err  error
	hint string
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func usage(err error) error {
	return &exitError{2, err, "tidemill-s3archive help COMMAND tells what a command takes"}
}

func failure(hint, format string, args ...any) error {
	return &exitError{1, fmt.Errorf(format, args...), hint}
}

// classify maps an error to its exit code and hint.
func classify(err error) (code int, hint string) {
	var own *exitError
	text := err.Error()
	switch {
	case errors.As(err, &own):
		return own.code, own.hint
	case strings.HasPrefix(text, "unknown command"), strings.HasPrefix(text, "accepts "), strings.HasPrefix(text, "required flag"):
		return 2, "tidemill-s3archive help lists the commands"
	case errors.Is(err, s3archive.ErrLocation):
		return 2, "as s3://history/prod?endpoint=https://s3.example.net"
	case errors.Is(err, s3archive.ErrCredentials):
		return 1, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
	case errors.Is(err, s3archive.ErrOverwrites):
		return 1, "use a store that honours If-None-Match: * on PUT, as Amazon S3 and MinIO do"
	case errors.Is(err, archive.ErrEmpty):
		return 1, "tidemill-s3archive run --to s3://... makes one"
	case errors.Is(err, archive.ErrWrongKey):
		return 1, "ask whoever runs the archiver for the file that ends in .pub"
	case errors.Is(err, engine.ErrUnavailable), errors.Is(err, engine.ErrDenied):
		return 1, "name Redis with --redis URL or TIDEMILL_REDIS"
	}
	return 1, ""
}
