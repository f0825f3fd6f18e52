// Command tidemill-parquet writes a Tidemill history as one Parquet file.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/contrib/parquet"
	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/archive"
	"github.com/tidemill/tidemill/task"
)

func main() {
	redis.SetLogger(silent{}) // what it says comes back as an error, on one line
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// silent is a logger of go-redis.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// options is the command line.
type options struct {
	archive, redis, namespace, out      string
	queues, types, kinds, since, before string
}

// run returns the exit code: 0, 1 if something failed, 2 if the command line is wrong.
func run(ctx context.Context, args []string, out, errw io.Writer) int {
	var o options
	f := flag.NewFlagSet("tidemill-parquet", flag.ContinueOnError)
	f.SetOutput(errw)
	f.StringVar(&o.archive, "archive", "", "read this archive, a `DIR`")
	f.StringVar(&o.redis, "redis", "", "or the log in this Redis, a `URL`")
	f.StringVar(&o.namespace, "namespace", "default", "of the log in Redis `NAME`")
	f.StringVar(&o.out, "out", "", "`FILE` to write, that must not be there yet (required)")
	f.StringVar(&o.queues, "queue", "", "only of these queues `NAME,…`")
	f.StringVar(&o.types, "type", "", "only about tasks of these types `NAME,…`")
	f.StringVar(&o.kinds, "kind", "", "only events of these kinds `KIND,…`")
	f.StringVar(&o.since, "since", "", "from this `TIME` on, RFC 3339")
	f.StringVar(&o.before, "until", "", "before this `TIME`")
	if err := f.Parse(args); err != nil {
		return 2
	}
	filter, err := o.filter()
	if err == nil && (f.NArg() > 0 || o.out == "" || (o.archive == "") == (o.redis == "")) {
		err = errors.New("want --out FILE and one of --archive DIR, --redis URL")
	}
	if err != nil {
		fmt.Fprintf(errw, "tidemill-parquet: %s\nhint: tidemill-parquet -h lists the flags\n", err)
		return 2
	}
	n, err := o.write(ctx, filter)
	if err != nil {
		fmt.Fprintf(errw, "tidemill-parquet: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
		return 1
	}
	fmt.Fprintf(out, "%s: %d events\n", o.out, n)
	return 0
}

// filter reads what is asked for.
func (o *options) filter() (f replay.Filter, err error) {
	for _, t := range []struct {
		text string
		to   *time.Time
	}{{o.since, &f.From}, {o.before, &f.To}} {
		if t.text == "" {
			continue
		}
		if *t.to, err = time.Parse(time.RFC3339, t.text); err != nil {
			return f, err
		}
	}
	for _, q := range words(o.queues) {
		f.Queues = append(f.Queues, task.Queue(q))
	}
	for _, t := range words(o.types) {
		f.Types = append(f.Types, task.Type(t))
	}
	for _, k := range words(o.kinds) {
		kind := task.ParseKind(k)
		if kind == task.Unknown && k != "unknown" {
			return f, fmt.Errorf("-kind %q: no such kind", k)
		}
		f.Kinds = append(f.Kinds, kind)
	}
	return f, f.Validate()
}

func words(s string) []string { return strings.FieldsFunc(s, func(c rune) bool { return c == ',' }) }

// source opens the history.
func (o *options) source(ctx context.Context) (replay.Source, func() error, error) {
	if o.archive != "" {
		a, err := archive.Open(ctx, archive.Dir(o.archive))
		if err != nil {
			err = fmt.Errorf("%s: %w", o.archive, err)
		}
		return a, func() error { return nil }, err
	}
	eng, err := engine.Open(ctx, o.redis, engine.Options{Namespace: o.namespace})
	if err != nil {
		return nil, nil, err
	}
	return eng.Log(), eng.Close, nil
}

// write writes beside the file and gives it its name when it is whole.
func (o *options) write(ctx context.Context, filter replay.Filter) (n int, err error) {
	src, closeSource, err := o.source(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, closeSource()) }()
	part := o.out + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer os.Remove(part) // after the link it is a second name
	w := parquet.NewWriter(f)
	for e, err := range replay.Select(ctx, src, filter, nil) {
		if err == nil {
			err = w.Write(&e)
		}
		if err != nil {
			return n, errors.Join(err, f.Close())
		}
		n++
	}
	if err := errors.Join(ctx.Err(), w.Close(), f.Sync(), f.Close()); err != nil {
		return n, err
	}
	return n, os.Link(part, o.out) // never over another file
}
