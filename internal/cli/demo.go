package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/replay"
)

// Sizes of the demo.
const (
	demoTasks = 20_000
	demoLease = 2 * time.Second
	demoLimit = 3 * time.Minute // 15 s on a quiet machine
)

func (a *app) demoCommand() *cobra.Command {
	var tasks int
	var ar demoArchive
	c := &cobra.Command{
		Use: "demo", Short: "Run 20,000 tasks on three workers, kill one, and account for every task", Args: cobra.NoArgs,
		Long: "Starts a throw-away redis-server or valkey-server (or an in-process one where neither is installed),\n" +
			"enqueues tasks that succeed, wait, fail and recover, or fail for good, lets three worker processes\n" +
			"run them, kills one with SIGKILL in the middle, and compares the history with what Redis holds.\n" +
			"Exits 0 only if no task was lost, ended twice or started early.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if tasks < 100 {
				return usage(fmt.Errorf("--tasks %d: want at least 100", tasks))
			}
			return a.demo(cmd.Context(), tasks, &ar)
		},
	}
	c.Flags().IntVar(&tasks, "tasks", demoTasks, "how many tasks to run")
	c.Flags().StringVar(&ar.dir, "archive", "", "keep the history in `DIR`, and the keys in DIR.key and DIR.key.pub")
	return c
}

// demo is one run: server, fleet, load, kill, wait, report.
func (a *app) demo(ctx context.Context, tasks int, ar *demoArchive) error {
	ctx, cancel := context.WithTimeout(ctx, demoLimit)
	defer cancel()
	fleet, stop, err := a.demoFleet(ctx)
	if err != nil {
		return err
	}
	defer stop()
	return a.demoOn(ctx, fleet, tasks, ar)
}

// demoOn is the run on a server that is there.
func (a *app) demoOn(ctx context.Context, fleet fleet, tasks int, ar *demoArchive) error {
	a.namespace = "demo"
	eng, err := a.open(ctx, engine.Options{})
	if err != nil {
		return err
	}
	defer eng.Close()
	if err := ar.start(ctx, a, eng); err != nil {
		return err
	}
	began := time.Now()
	if err := enqueueDemo(ctx, eng, tasks); err != nil {
		return err
	}
	fmt.Fprintf(a.aside(), "enqueued %d tasks in %s\n", tasks, time.Since(began).Round(time.Millisecond))
	if err := fleet.start(ctx); err != nil {
		return err
	}
	if err := a.demoWatch(ctx, eng, fleet, tasks); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	took := time.Since(began)
	fleet.stop()
	return errors.Join(a.demoReport(ctx, eng, tasks, took), ar.finish(ctx, a))
}

// aside is where what is told on the way goes: with --json it is no answer.
func (a *app) aside() io.Writer {
	if a.json {
		return a.err
	}
	return a.out
}

// demoFleet starts a server and says what it is.
func (a *app) demoFleet(ctx context.Context) (fleet, func(), error) {
	path, ok := redisproc.Find()
	if !ok {
		fmt.Fprintf(a.aside(), "no redis-server or valkey-server on PATH: running in this process (mem://), three engines instead of three processes\n")
		a.url = fmt.Sprintf("mem://demo-%d", os.Getpid())
		return &engines{url: a.url}, func() {}, nil
	}
	proc, err := redisproc.Start(ctx, redisproc.Options{})
	if err != nil {
		return nil, nil, failure(exitUnavailable, "try: "+path+" --version", "start %s: %w", path, err)
	}
	a.url = proc.URL()
	fmt.Fprintf(a.aside(), "%s in a temporary directory, three worker processes, lease %s\n", path, demoLease)
	return &processes{url: a.url, stderr: a.err}, func() { _ = proc.Stop() }, nil
}

// demoWatch shows progress and kills a worker in the middle, until every task
// has ended.
func (a *app) demoWatch(ctx context.Context, eng *engine.Engine, f fleet, tasks int) error {
	p := newProgress(a.aside())
	defer p.close()
	killed := false
	for {
		s, err := eng.Stats(ctx)
		if err != nil {
			return err
		}
		q := s.Queues[0]
		ended := q.Succeeded + q.Buried
		p.show("%6d of %d ended   %5d running   %5d waiting", ended, tasks, q.Running, q.Waiting)
		if !killed && ended > int64(tasks)/3 {
			killed = true
			p.note("%s: it held about %d of %d running tasks", f.kill(), q.Running/fleetSize, q.Running)
		}
		if ended >= int64(tasks) && q.Ready+q.Running+q.Waiting == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("not every task ended in time")
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// demoReport folds the history and compares it with the live state.
func (a *app) demoReport(ctx context.Context, eng *engine.Engine, tasks int, took time.Duration) error {
	r, err := replay.Fsck(ctx, eng.Log(), eng.Log())
	if err != nil {
		return err
	}
	d, err := tally(ctx, eng.Log(), r)
	if err != nil {
		return err
	}
	d.Enqueued, d.Seconds, d.Rate = tasks, took.Seconds(), float64(tasks)/took.Seconds()
	if a.json {
		d.Problems = orEmpty(d.Problems)
		if err := a.printJSON(d); err != nil {
			return err
		}
	} else {
		d.print(a.out)
	}
	if !r.OK() || d.Succeeded+d.Dead != tasks {
		return failure(exitFailed, "this is a bug: please report it with the lines above", "demo: %d of %d tasks accounted for, %d problems", d.Succeeded+d.Dead, tasks, len(r.Problems))
	}
	return nil
}

// progress is one line that is drawn over on a terminal, and now and then a
// line elsewhere.
type progress struct {
	w     io.Writer
	tty   bool
	last  time.Time
	drawn bool
}

func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	return &progress{w: w, tty: ok && term.IsTerminal(int(f.Fd()))}
}

func (p *progress) show(format string, args ...any) {
	switch {
	case p.tty:
		fmt.Fprintf(p.w, "\r\x1b[K"+format, args...)
		p.drawn = true
	case time.Since(p.last) > time.Second:
		p.last = time.Now()
		fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *progress) note(format string, args ...any) {
	p.close()
	fmt.Fprintf(p.w, format+"\n", args...)
}

func (p *progress) close() {
	if p.drawn {
		fmt.Fprintln(p.w)
		p.drawn = false
	}
}
