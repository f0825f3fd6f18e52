package cli

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/rerun"
	"github.com/tidemill/tidemill/task"
)

// replayShadow compares what commands make of recorded attempts.
func (a *app) replayShadow(ctx context.Context, src replay.Source, s *rerun.Scope, r *replayFlags) (err error) {
	_, commands, err := r.work.read()
	if err != nil {
		return err
	}
	run := rerun.Shadow{Scope: *s, Concurrency: r.concurrency, Handler: shadowHandler(commands, r.work.defaults())}
	if len(s.Filter.Types) == 0 {
		for _, c := range commands {
			run.Filter.Types = append(run.Filter.Types, task.Type(c.typ))
		}
	}
	if r.against != "" {
		if run.Against, err = loadDigests(r.against); err != nil {
			return err
		}
	}
	if r.save != "" {
		f, open := os.Create(r.save)
		if open != nil {
			return failure(exitData, "", "--save: %w", open)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		run.Save = f
	}
	d, err := run.Run(ctx, src)
	if a.json {
		err = errors.Join(err, a.printJSON(d))
	} else {
		a.shadowReport(d)
	}
	if err != nil {
		return err
	}
	return gate(d, r)
}

// gate fails a run that is over the threshold.
func gate(d *rerun.Diff, r *replayFlags) error {
	percent, err := r.percent()
	switch {
	case err != nil || percent < 0:
		return err
	case d.Compared == 0:
		return failure(exitFailed, "tidemill replay plan with the same filters tells what there is", "shadow: there was no attempt to compare")
	case d.Exceeds(percent):
		return failure(exitFailed, "tidemill show ID tells what an example did then",
			"shadow: %d of %s changed: %.3g%%, threshold %.3g%%", d.Changed, count(d.Compared, "attempt"), d.Percent(), percent)
	}
	return nil
}

// shadowHandler runs attempts as work --exec does, but for what they print.
func shadowHandler(commands []*command, defaults []engine.DefineOption) rerun.Handler {
	byType := map[task.Type]*command{}
	for _, c := range commands {
		byType[task.Type(c.typ)] = c
	}
	return func(ctx context.Context, d *task.Delivery) task.Settlement {
		c := byType[d.Type]
		if c == nil {
			return task.Settlement{Kind: task.OutcomeSnooze, Error: "no --exec for type " + string(d.Type)}
		}
		r := &runner{out: io.Discard, env: []string{"TIDEMILL_REPLAY=" + rerun.Name(ctx)}}
		s, err := engine.Perform(ctx, engine.Define[[]byte](c.typ, defaults...), r.handler(c), d)
		if err != nil {
			return task.Settlement{Kind: task.OutcomeDead, Error: err.Error()}
		}
		return s
	}
}

func loadDigests(file string) (rerun.Digests, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, failure(exitData, "", "--against: %w", err)
	}
	defer f.Close()
	d, err := rerun.ReadDigests(f)
	if err != nil {
		return nil, failure(exitData, "it takes a file that --save wrote", "--against %s: %w", file, err)
	}
	return d, nil
}
