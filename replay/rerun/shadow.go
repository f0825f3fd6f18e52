package rerun

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// Handler runs a recorded attempt again and says the outcome that a node would
// record, and the digest of its result, if there is one; engine.Perform makes both
// of a handler of tasks.
type Handler func(ctx context.Context, d *task.Delivery) task.Settlement

// Shadow runs a handler on recorded attempts and compares. It needs no engine and
// holds nothing that could reach the queue.
type Shadow struct {
	Scope
	Handler     Handler   // required
	Concurrency int       // attempts at once; default 1
	Examples    int       // kept of each change of a type; default 3
	Save        io.Writer // gets the digests of this run, a line each; nil: nobody
	Against     Digests   // of an earlier run, to compare with before the recorded ones; nil: none
}

// Run returns what was compared, also with an error. When ctx ends, what runs is
// cancelled and counts as not run. A panic of the handler is a failed attempt.
func (s *Shadow) Run(ctx context.Context, src replay.Source) (*Diff, error) {
	d := newDiff(s.name(), cmp.Or(s.Examples, 3))
	if err := s.check(); err != nil {
		return d, fmt.Errorf("shadow: %w", err)
	}
	r := &shadow{Shadow: s, diff: d, ledger: newLedger(s.Cursor), queue: make(chan job)}
	var workers sync.WaitGroup
	for range max(s.Concurrency, 1) {
		workers.Go(func() { r.work(ctx) })
	}
	err := r.feed(ctx, src)
	close(r.queue)
	workers.Wait()
	if err = cmp.Or(err, context.Cause(ctx), r.err); err != nil {
		return d, fmt.Errorf("shadow: %w", err)
	}
	if r.whole {
		r.ledger.close(r.reading)
	}
	return d, nil
}

func (s *Shadow) check() error {
	if s.Handler == nil {
		return fmt.Errorf("%w: no handler", task.ErrInvalidOption)
	}
	return s.validate()
}

// shadow is a shadow run under way.
type shadow struct {
	*Shadow
	ledger  *ledger
	queue   chan job // closed by Run, after feed
	reading replay.Cursor
	whole   bool // all there is was read

	mu   sync.Mutex // guards what is below
	diff *Diff
	err  error // of saving
}

type job struct {
	*Recorded
	*ticket
}

// feed hands out attempts at their pace.
func (s *shadow) feed(ctx context.Context, src replay.Source) error {
	s.reading = s.Scope.reading()
	pace, n := pacer{schedule: schedule{Pace: s.Pace}}, 0
	for r, err := range Read(ctx, src, s.Filter, s.reading) {
		if err != nil {
			return err
		}
		if why := notRun(&r); why != "" {
			s.ledger.end(s.ledger.begin(&r))
			s.skip(why)
			continue
		}
		if s.full(n) {
			return nil
		}
		if err := pace.wait(ctx, r.EndedAt); err != nil {
			return err
		}
		select {
		case s.queue <- job{&r, s.ledger.begin(&r)}:
			n++
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	s.whole = true
	return nil
}

// notRun says why an attempt cannot be compared: no handler had a part in it.
func notRun(r *Recorded) string {
	switch {
	case r.Type == "":
		return "what it was is trimmed"
	case r.Kind == task.OutcomeCancel:
		return "cancelled by an operator"
	case r.Kind == task.OutcomeExpire:
		return "expired before its start"
	case r.Consumer == "":
		return "ended by no node"
	case r.Kind == task.OutcomeSnooze && r.Error != "", r.Reason == "unroutable":
		return "no handler then"
	case r.Reason == "crash_loop", r.Reason == "payload_lost":
		return "ended by " + r.Reason
	}
	return ""
}

func (s *shadow) skip(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.diff.NotRun[why]++
}

func (s *shadow) work(ctx context.Context) {
	for j := range s.queue {
		began := time.Now()
		now := s.try(context.WithValue(ctx, nameKey{}, s.name()), j.Recorded)
		now.Ran = time.Since(began)
		if ctx.Err() != nil {
			continue // whatever it says, it was cut off
		}
		s.compare(j.Recorded, &now)
		s.ledger.end(j.ticket)
	}
}

// try runs the handler for one attempt.
func (s *shadow) try(ctx context.Context, r *Recorded) (now task.Settlement) {
	defer func() {
		if v := recover(); v != nil {
			now = task.Settlement{Kind: task.OutcomeRetry, Error: fmt.Sprintf("panic: %v\n%s", v, debug.Stack())}
		}
	}()
	return s.Handler(ctx, r.delivery())
}

// delivery is what the handler had in hand, but for the deadline: it was in time
// then.
func (r *Recorded) delivery() *task.Delivery {
	d := &task.Delivery{
		ID: r.ID, Type: r.Type, Queue: r.Queue, Attempt: r.Attempt, EnqueuedAt: r.BornAt, Headers: r.Headers,
		Payload: r.Payload, Opts: r.Opts, Entry: r.Entry, Count: 1,
	}
	if !r.DueAt.IsZero() {
		d.DueMs = r.DueAt.UnixMilli()
	}
	d.Opts.Deadline = time.Time{}
	return d
}

func (s *shadow) compare(then *Recorded, now *task.Settlement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.diff.add(then, now, s.before(then, now))
	if s.Save != nil && !now.Result.IsZero() && s.err == nil {
		s.err = writeDigest(s.Save, then, now.Result)
	}
}

// before is the digest to compare with: that of the earlier run, else the recorded
// one, if today's run would record one, too.
func (s *shadow) before(then *Recorded, now *task.Settlement) task.Digest {
	d, ok := s.Against[digestKey(then.ID, then.At)]
	if !ok && now.Kind == task.OutcomeSuccess && !now.Result.IsZero() {
		d = then.Result
	}
	return d
}
