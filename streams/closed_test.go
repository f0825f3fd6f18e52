package streams_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// After Close every method says so at once, whatever it would have waited for.
func TestClosed(t *testing.T) {
	onBoth(t, func(r *rig) {
		s, id := r.join(), r.ready(1)[0]
		z, err := r.log.Waiting(r.ctx, queue, 0)
		r.must(err)
		r.Cleanup(func() { _ = z.Close() })
		d := r.fetch(s, 1)
		r.must(r.log.Close())

		l, read := r.log, r.log.Reader()
		for name, ask := range map[string]func(ctx context.Context) error{
			"enqueue": func(ctx context.Context) error {
				_, err := l.Enqueue(ctx, []task.Birth{{Type: "t", Queue: queue}})
				return err
			},
			"register": func(ctx context.Context) error { _, err := l.Register(ctx, queue); return err },
			"queues":   func(ctx context.Context) error { _, err := l.Queues(ctx); return err },
			"join":     func(ctx context.Context) error { _, err := l.Join(ctx, queue, 0); return err },
			"waiting":  func(ctx context.Context) error { _, err := l.Waiting(ctx, queue, 0); return err },
			"cancel":   func(ctx context.Context) error { _, err := l.Cancel(ctx, id, by); return err },
			"pause":    func(ctx context.Context) error { return l.Pause(ctx, queue, by) },
			"requeue":  func(ctx context.Context) error { return l.Requeue(ctx, id, by) },
			"purge":    func(ctx context.Context) error { _, err := l.Purge(ctx, []task.ID{id}, by); return err },
			"trim":     func(ctx context.Context) error { _, err := l.Trim(ctx, queue, 0, "n", streams.Retention{}); return err },
			"keep":     func(ctx context.Context) error { return l.SetRetention(ctx, queue, streams.Retention{}, by) },
			"kept":     func(ctx context.Context) error { _, err := read.Retention(ctx, queue); return err },
			"hold": func(ctx context.Context) error {
				_, err := l.Hold(ctx, "case", queue, streams.HoldFrom{LSN: 1}, by)
				return err
			},
			"end hold": func(ctx context.Context) error { return l.EndHold(ctx, "case", queue, by) },
			"holds":    func(ctx context.Context) error { _, err := read.Holds(ctx, queue); return err },
			"full":     func(ctx context.Context) error { _, err := read.Full(ctx, queue); return err },
			"announce": func(ctx context.Context) error { return l.Announce(ctx, streams.Node{Name: "n"}, time.Second) },
			"withdraw": func(ctx context.Context) error { return l.Withdraw(ctx, "n") },
			"check":    func(ctx context.Context) error { _, err := l.Preflight(ctx, false); return err },
			"status":   func(ctx context.Context) error { _, err := read.Status(ctx, id); return err },
			"history":  func(ctx context.Context) error { _, err := read.History(ctx, id); return err },
			"stats":    func(ctx context.Context) error { _, err := read.Stats(ctx, queue); return err },
			"nodes":    func(ctx context.Context) error { _, err := read.Nodes(ctx); return err },
			"fetch":    func(ctx context.Context) error { _, err := s.Fetch(ctx, 1, time.Second); return err },
			"renew":    func(ctx context.Context) error { _, _, err := s.Renew(ctx, nil); return err },
			"settle":   func(ctx context.Context) error { _, err := s.Settle(ctx, outcomes(task.OutcomeSuccess, d)); return err },
			"observe":  func(ctx context.Context) error { _, err := s.Observe(ctx, true); return err },
			"leave":    func(ctx context.Context) error { return s.Leave(ctx) },
			"wake":     func(ctx context.Context) error { _, err := z.Wake(ctx, time.Second); return err },
			"upcoming": func(ctx context.Context) error { _, _, err := z.Upcoming(ctx, 1); return err },
			"release":  func(ctx context.Context) error { _, _, _, err := z.Release(ctx, []task.ID{id}); return err },
		} {
			began := time.Now()
			if err := ask(r.ctx); !errors.Is(err, task.ErrClosed) {
				r.Errorf("%s: %v, want %v", name, err, task.ErrClosed)
			}
			if d := time.Since(began); d > 500*time.Millisecond {
				r.Errorf("%s: told after %s", name, d)
			}
		}
	})
}

// A queue that cannot be registered because Redis is away: told in the time that a
// batch has, or when the caller leaves.
func TestRegisterUnavailable(t *testing.T) {
	t.Parallel()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	l := open(t, "redis://"+gone.Addr().String(), streams.Options{})
	began := time.Now()
	_, err = l.Enqueue(t.Context(), []task.Birth{{Type: "t", Queue: queue}})
	if took := time.Since(began); !errors.Is(err, task.ErrUnavailable) || errors.Is(err, task.ErrUncertain) || took < 4*time.Second || took > 7*time.Second {
		t.Errorf("after %s: %v, want %v after 5 s", took, err, task.ErrUnavailable)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Register(ctx, queue); !errors.Is(err, context.Canceled) && !errors.Is(err, task.ErrUnavailable) {
		t.Errorf("register: %v", err)
	}
}
