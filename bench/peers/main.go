package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		stop()
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, out, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if o.render != "" {
		return render(o.render)
	}
	command := "cd bench/peers && go run ."
	for _, a := range args {
		if strings.ContainsAny(a, " '") {
			a = strconv.Quote(a)
		}
		command += " " + a
	}
	b := &bench{opts: o, rep: &Report{Taken: time.Now(), Machine: machine(ctx), Command: command}}
	err = b.run(ctx) // what was measured before an error is told all the same
	if out == "" {
		return errors.Join(err, b.rep.writeMarkdown(stdout))
	}
	return errors.Join(err, b.rep.save(out))
}

// parse reads the arguments; out is the folder for the files, "" for none.
func parse(args []string, stderr io.Writer) (o options, out string, err error) {
	fs := flag.NewFlagSet("peers", flag.ContinueOnError)
	fs.SetOutput(stderr)
	names := fs.String("peers", "", "peers whose name contains one of these, `a,b`; default all")
	scen := fs.String("scenario", "", "scenarios whose name contains this `text`; default all")
	quickly := fs.Bool("quick", false, "few tasks, seconds a round: to see that it works, not to quote")
	rounds := fs.Int("rounds", 0, "rounds, in turns; default 5, with -quick 1")
	tasks := fs.Int("tasks", 0, "tasks of a round of throughput, times a peer's scale; default 100000, with -quick 5000")
	fs.StringVar(&o.render, "render", "", "measure nothing: write tables and charts of this `DATE-peers.json` again, beside it")
	fs.StringVar(&out, "out", "", "`folder` for DATE-peers.json, .md and charts; default: the tables on stdout")
	if err := fs.Parse(args); err != nil {
		return o, "", err
	}
	o.size, o.rounds = full, 5
	o.progress = func(f string, a ...any) { fmt.Fprintf(stderr, f+"\n", a...) }
	if *quickly {
		o.size, o.rounds = quick, 1
	}
	if *names != "" {
		o.peers = strings.Split(*names, ",")
	}
	if *scen != "" {
		o.scenarios = []string{*scen} // names have commas
	}
	o.rounds, o.size.Tasks = cmp.Or(*rounds, o.rounds), cmp.Or(*tasks, o.size.Tasks)
	if o.rounds < 1 || o.size.Tasks < minTasks {
		return o, "", fmt.Errorf("want at least 1 round and %d tasks", minTasks)
	}
	return o, out, nil
}

// render writes the tables and charts of an earlier run.
func render(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var r Report
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return r.draw(filepath.Join(filepath.Dir(path), r.base()))
}

// minTasks leaves something to the slowest peer at concurrency 1.
const minTasks = 200

// save writes DATE-peers.json, DATE-peers.md and the charts.
func (r *Report) save(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	base := filepath.Join(dir, r.base())
	if err := write(base+".json", r.writeJSON); err != nil {
		return err
	}
	return r.draw(base)
}

// base is what the names of the files of a run begin with.
func (r *Report) base() string { return r.Taken.UTC().Format(time.DateOnly) + "-peers" }

// draw writes what people read.
func (r *Report) draw(base string) error {
	if err := r.charts(base); err != nil {
		return err
	}
	return write(base+".md", r.writeMarkdown)
}

func write(path string, fn func(io.Writer) error) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return fn(f)
}
