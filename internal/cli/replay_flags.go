package cli

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/replay/rerun"
	"github.com/tidemill/tidemill/task"
)

// replayFlags is the command line of replay.
type replayFlags struct {
	logFilter
	mode                rerun.Mode
	pace, name, cursor  string
	gap                 time.Duration
	limit               int
	run                 bool // not plan
	operator            operator
	work                workFlags // of shadow: what work has too
	concurrency         int
	save, against, into string
	threshold           string
	payload, yes        bool
}

func (r *replayFlags) flags(a *app, c *cobra.Command) {
	f := c.Flags()
	f.StringVar((*string)(&r.mode), "mode", string(rerun.ModeShadow), "shadow, requeue, observe or bench `MODE`")
	f.StringVar(&r.from, "from", "", "from this `MOMENT` on")
	f.StringVar(&r.to, "to", "", "before this time, or up to this lsn `MOMENT`")
	f.StringSliceVar(&r.queues, "queue", nil, "only of these queues `NAME,…`")
	_ = c.RegisterFlagCompletionFunc("queue", a.completeQueues) // fails only where the flag does not exist
	f.StringSliceVar(&r.types, "type", nil, "only tasks of these types `NAME,…`")
	f.StringSliceVar(&r.ids, "id", nil, "only these tasks `ID,…`")
	f.StringSliceVar(&r.kinds, "kind", nil, "only attempts with these outcomes, as dead,retry; of observe, these events `KIND,…`")
	_ = c.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(tailKinds(), cobra.ShellCompDirectiveNoFileComp))
	r.whereFlags(f)
	f.StringVar(&r.failed, "error", "", "only errors that contain this `TEXT`")
	f.StringToStringVar(&r.headers, "header", nil, "only tasks with these headers `NAME=VALUE,…`")
	f.Float64Var(&r.sample, "sample", 0, "only this fraction of the tasks, in every run the same, as 0.01")
	f.StringVar(&r.pace, "pace", "max", "recorded, a factor as 2x, a rate as 100/s, or max `PACE`")
	f.DurationVar(&r.gap, "max-gap", 0, "let no recorded pause count as longer than this")
	f.IntVar(&r.limit, "limit", 0, "at most so many, 0: all `N`")
	f.StringVar(&r.name, "name", "", "name of the replay `NAME` (requeue: required)")
	f.StringVar(&r.cursor, "cursor", "", "go on where this `FILE` says; run keeps it")
	sourceFlag(c)
}

func (r *replayFlags) runFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVar(&r.work.execs, "exec", nil, "shadow: run attempts by `'TYPE=COMMAND ARGS…'`; repeatable")
	f.BoolVar(&r.work.shell, "shell", false, "shadow: have /bin/sh -c run the commands")
	f.DurationVar(&r.work.timeout, "timeout", 0, "shadow: limit of one attempt, where the task has none of its own")
	f.IntVar(&r.work.retry, "retry", engine.DefaultRetries, "shadow: retries after the first attempt, where the task has no number of its own")
	f.IntVar(&r.concurrency, "concurrency", runtime.GOMAXPROCS(0), "shadow: commands at once `N`")
	f.StringVar(&r.threshold, "threshold", "", "shadow: exit 1 if more than this share changed `PERCENT`")
	f.StringVar(&r.save, "save", "", "shadow: write digests of the commands' standard output to `FILE`")
	f.StringVar(&r.against, "against", "", "shadow: compare with the digests of another run before the recorded ones, a `FILE` of --save")
	f.StringVar(&r.into, "into", "", "requeue, bench: enqueue into this queue `NAME` (bench: required)")
	f.BoolVar(&r.payload, "payload", false, "bench: send the recorded payloads, not random bytes")
	f.BoolVar(&r.yes, "yes", false, "requeue, bench: do it")
	r.operator.flags(c)
}

// scope reads the flags that plan and run share.
func (r *replayFlags) scope(now time.Time) (*rerun.Scope, error) {
	if !slices.Contains(rerun.Modes(), r.mode) {
		return nil, usage(fmt.Errorf("--mode %q: want shadow, requeue, observe or bench", clip(string(r.mode), 40)))
	}
	s := &rerun.Scope{Limit: r.limit, Name: r.name}
	var err error
	if s.Pace, err = rerun.ParsePace(r.pace); err != nil {
		return nil, usage(fmt.Errorf("--pace: %w", err))
	}
	if s.Pace.MaxGap = r.gap; r.gap < 0 {
		return nil, usage(fmt.Errorf("--max-gap %s is negative", r.gap))
	}
	if r.limit < 0 {
		return nil, usage(fmt.Errorf("--limit %d is negative", r.limit))
	}
	if r.name != "" {
		if err := task.ValidName("name", r.name); err != nil {
			return nil, err
		}
	}
	if s.Filter, err = r.filter(now); err != nil {
		return nil, err
	}
	s.Cursor, err = loadCursor(r.cursor)
	return s, err
}

// check refuses what a run in its mode lacks, before anything is opened.
func (r *replayFlags) check() error {
	_, err := r.percent()
	switch {
	case err != nil:
		return err
	case r.concurrency < 1:
		return usage(fmt.Errorf("--concurrency %d: want 1 or more", r.concurrency))
	case r.mode == rerun.ModeShadow && len(r.work.execs) == 0:
		return usage(errors.New("shadow needs --exec 'TYPE=COMMAND ARGS…'"))
	case r.mode != rerun.ModeShadow && (len(r.work.execs) > 0 || r.threshold != "" || r.save != "" || r.against != ""):
		return usage(fmt.Errorf("--exec, --threshold, --save and --against are for --mode shadow, not %s", r.mode))
	case r.mode == rerun.ModeRequeue && r.name == "":
		return usage(errors.New("requeue needs --name: under the same name no task is enqueued twice"))
	case r.mode == rerun.ModeBench && r.into == "":
		return usage(errors.New("bench needs --into, a queue whose workers expect random bytes"))
	}
	if r.mode == rerun.ModeRequeue {
		_, err = r.operator.by()
	}
	if err == nil && r.into != "" {
		err = task.ValidName("queue", r.into)
	}
	return err
}

// percent reads the threshold, as 1% or 0.5; below zero if there is none.
func (r *replayFlags) percent() (float64, error) {
	if r.threshold == "" {
		return -1, nil
	}
	v, err := strconv.ParseFloat(strings.TrimSuffix(r.threshold, "%"), 64)
	if err != nil || !(v >= 0 && v <= 100) {
		return 0, usage(fmt.Errorf("--threshold %q: want a share as 1%%", clip(r.threshold, 40)))
	}
	return v, nil
}
