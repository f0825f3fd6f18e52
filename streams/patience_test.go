package streams_test

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// Nobody waits longer than its context allows, not even who leads for others; and
// those are not failed by it.
func TestEnqueueHeedsItsDeadline(t *testing.T) {
	t.Parallel()
	redistest.URL(t) // or this machine has no server
	p, err := redisproc.Start(t.Context(), redisproc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Stop() })
	log, err := streams.New(p.URL(), streams.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	enqueue := func(limit time.Duration, n int) (int, time.Duration, error) {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		births := make([]task.Birth, n)
		for i := range births {
			births[i] = task.Birth{Type: "t", Queue: queue}
		}
		began := time.Now()
		got, err := log.Enqueue(ctx, births)
		return len(got), time.Since(began), err
	}
	if _, _, err := enqueue(5*time.Second, 1); err != nil {
		t.Fatal(err)
	}
	signal(t, p, syscall.SIGSTOP)
	const patience = 200 * time.Millisecond
	type answer struct {
		n   int
		err error
	}
	patient := make(chan answer, 3)
	// The first leads alone; the second leads a batch it shares with the third, which
	// comes while the first is in flight.
	go func() {
		n, _, err := enqueue(patience, 1)
		patient <- answer{n, err}
	}()
	for range 2 {
		go func() {
			n, _, err := enqueue(20*time.Second, 2)
			patient <- answer{n, err}
		}()
	}
	for range 3 {
		if n, took, err := enqueue(patience, 1); !errors.Is(err, context.DeadlineExceeded) || n > 0 || took > 5*patience {
			t.Errorf("enqueue: %d, %v after %s, want its deadline", n, err, took)
		}
	}
	signal(t, p, syscall.SIGCONT)
	for range 3 {
		if a := <-patient; a.err == nil && a.n != 2 || a.err != nil && !errors.Is(a.err, context.DeadlineExceeded) {
			t.Errorf("another caller: %d, %v, want 2 or its own deadline", a.n, a.err)
		}
	}
}

func signal(t *testing.T, p *redisproc.Proc, s os.Signal) {
	t.Helper()
	if err := p.Signal(s); err != nil {
		t.Fatal(err)
	}
}
