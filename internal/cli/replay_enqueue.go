package cli

import (
	"context"
	"errors"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/rerun"
	"github.com/tidemill/tidemill/task"
)

// replayObserve prints events as NDJSON.
func (a *app) replayObserve(ctx context.Context, src replay.Source, s *rerun.Scope) error {
	_, err := rerun.Observe(ctx, src, *s, func(_ context.Context, e *task.Event) error { return a.printJSON(newEventLine(e)) })
	return err
}

// enqueuer makes tasks with an engine.
type enqueuer struct{ to *engine.Engine }

func (q enqueuer) Enqueue(ctx context.Context, births []task.Birth) ([]rerun.Enqueued, error) {
	tasks, err := q.to.Produce(ctx, births)
	in := make([]rerun.Enqueued, len(tasks))
	for i, t := range tasks {
		in[i] = rerun.Enqueued{ID: t.ID, Existing: t.Existing}
	}
	return in, err
}

// replayEnqueue requeues, or makes load.
func (a *app) replayEnqueue(ctx context.Context, src replay.Source, s *rerun.Scope, r *replayFlags) error {
	eng, err := a.open(ctx, engine.Options{})
	if err != nil {
		return err
	}
	var t rerun.Tally
	if to := (enqueuer{eng}); r.mode == rerun.ModeRequeue {
		by, _ := r.operator.by() // checked before
		q := rerun.Requeue{Scope: *s, To: to, Into: task.Queue(r.into), Actor: by.Actor, Reason: by.Reason}
		t, err = q.Run(ctx, src)
	} else {
		l := rerun.Load{Scope: *s, To: to, Into: task.Queue(r.into), Payload: r.payload}
		t, err = l.Run(ctx, src)
	}
	return errors.Join(err, a.tally(t), eng.Close())
}

func (a *app) tally(t rerun.Tally) error {
	if a.json {
		return a.printJSON(t)
	}
	a.printf("%d enqueued, %d existed, %d left out; %s of payload in %s", t.Enqueued, t.Existing, t.LeftOut, bytesOf(t.Bytes), short(t.Took))
	if t.Late > 0 {
		a.printf(", at most %s late", short(t.Late))
	}
	a.printf("\n")
	return nil
}
