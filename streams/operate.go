package streams

import (
	"context"
	"fmt"

	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/task"
)

// By says who acts and why. Both go into the history; the log records what it
// is told and proves nobody's identity.
type By struct {
	Actor  string
	Reason string
}

func (b By) validate() error {
	if b.Actor == "" || b.Reason == "" {
		return fmt.Errorf("%w: By: actor and reason are required", task.ErrInvalidOption)
	}
	return nil
}

// Cancelled is what a cancel came to.
type Cancelled uint8

// The results of Cancel.
const (
	CancelDone      Cancelled = iota // waiting or ready: it will not run
	CancelRequested                  // running: its node was asked to stop it
	CancelFinished                   // it had ended before
)

// Cancel ends a task. Asking twice changes nothing.
func (l *Log) Cancel(ctx context.Context, id task.ID, by By) (Cancelled, error) {
	if err := by.validate(); err != nil {
		return 0, err
	}
	p, err := l.byID(ctx, id)
	if err != nil {
		return 0, err
	}
	r, err := p.cancel(ctx, id, "", by)
	for try := 0; err == nil && r.word() == "TRIMMED" && try < maxCancel; try++ {
		var l *task.Life
		if l, _, err = p.remains(ctx, id); err != nil {
			break
		}
		if l.State.Terminal() {
			return cancelled(l.State), nil
		}
		r, err = p.cancel(ctx, id, l.Entry.String(), by)
	}
	if err != nil {
		return 0, fmt.Errorf("cancel %s: %w", id, err)
	}
	switch r.word() {
	case "CANCELLED":
		return CancelDone, nil
	case "REQUESTED":
		return CancelRequested, nil
	case "UNKNOWN", "TRIMMED":
		return 0, fmt.Errorf("cancel %s: %w", id, task.ErrNotFound)
	}
	// the lsn alone was looked at: it may be of a task with another id
	s, err := p.stand(ctx, id)
	if err == nil && s.absent(id) {
		err = task.ErrNotFound
	}
	if err != nil {
		return 0, fmt.Errorf("cancel %s: %w", id, err)
	}
	if r.word() == "DUP" {
		return CancelRequested, nil
	}
	return cancelled(task.State(r.number(1))), nil
}

// maxCancel is how often a cancel looks where a task is delivered that has
// outlived its birth, and meanwhile moves.
const maxCancel = 5

func (p *partition) cancel(ctx context.Context, id task.ID, entry string, by By) (reply, error) {
	ks := []string{p.Meta, p.Tasks, p.Events, p.Waiting, p.Copies, p.Cancels, p.Chunk(id.LSN())}
	return p.call(ctx, cancelScript, ks, id.String(), id.Birth().String(), id.LSN(), by.Actor, by.Reason, entry)
}

func cancelled(s task.State) Cancelled {
	if s == task.Cancelled {
		return CancelDone
	}
	return CancelFinished
}

// Requeue gives a dead task another life with a full set of retries. Its
// attempts go on counting. Errors: [task.ErrNotDead].
func (l *Log) Requeue(ctx context.Context, id task.ID, by By) error {
	if err := by.validate(); err != nil {
		return err
	}
	p, err := l.byID(ctx, id)
	if err != nil {
		return err
	}
	g, err := p.grave(ctx, id)
	if err != nil {
		return err
	}
	next := g.Opts
	next.Base = g.Attempt
	next.Crashes, next.Unrouted = 0, 0
	ks := []string{p.Meta, p.Tasks, p.Events, p.Dead, p.Graves, p.Chunk(id.LSN())}
	r, err := p.call(ctx, requeueScript, ks, id.String(), id.LSN(), by.Actor, by.Reason, wire.Opts(next), g.Attempt+1)
	if err != nil {
		return err
	}
	if r.word() != "OK" {
		return fmt.Errorf("requeue %s: %w", id, task.ErrNotDead)
	}
	return nil
}

// Purge removes dead tasks and returns how many there were.
func (l *Log) Purge(ctx context.Context, ids []task.ID, by By) (int, error) {
	if err := by.validate(); err != nil {
		return 0, err
	}
	byPart := map[*partition][]task.ID{}
	for _, id := range ids {
		p, err := l.byID(ctx, id)
		if err != nil {
			return 0, err
		}
		byPart[p] = append(byPart[p], id)
	}
	total := 0
	for p, ids := range byPart {
		for len(ids) > 0 {
			n := min(len(ids), maxItems)
			purged, err := p.purge(ctx, ids[:n], by)
			total += purged
			if err != nil {
				return total, err
			}
			ids = ids[n:]
		}
	}
	return total, nil
}

func (p *partition) purge(ctx context.Context, ids []task.ID, by By) (int, error) {
	ks := newChunks(p, p.Meta, p.Events, p.Dead, p.Graves)
	args := []any{by.Actor, by.Reason}
	for _, id := range ids {
		args = append(args, id.String(), id.LSN(), ks.index(id.LSN()))
	}
	r, err := p.call(ctx, purgeScript, ks.keys, args...)
	return int(r.number(1)), err
}

// Pause stops deliveries of a queue; running tasks go on.
func (l *Log) Pause(ctx context.Context, q task.Queue, by By) error {
	return l.setPaused(ctx, q, task.Paused, by)
}

// Resume lets a paused queue deliver again.
func (l *Log) Resume(ctx context.Context, q task.Queue, by By) error {
	return l.setPaused(ctx, q, task.Resumed, by)
}

func (l *Log) setPaused(ctx context.Context, q task.Queue, k task.Kind, by By) error {
	if err := by.validate(); err != nil {
		return err
	}
	ps, err := l.partitions(ctx, q, false)
	if err != nil {
		return err
	}
	for _, p := range ps {
		if _, err := p.call(ctx, pauseScript, []string{p.Meta, p.Events}, k.String(), by.Actor, by.Reason); err != nil {
			return err
		}
	}
	return nil
}
