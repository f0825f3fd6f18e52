package consumergroup_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemill/tidemill/consumergroup"
	"github.com/tidemill/tidemill/task"
)

// lease of all groups here: a third is a second.
const lease = 3 * time.Second

// inBubble runs a test in parallel and in a bubble of its own.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

// stubborn is how go-redis hangs: it heeds the deadline of a context and its own
// read timeout, but not that a context is cancelled.
func stubborn(ctx context.Context, _ string) error {
	wait := 3 * time.Second
	if end, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(end))
	}
	time.Sleep(wait)
	return errDown
}

// runs collects what handlers do.
type runs struct {
	mu     sync.Mutex
	starts []start
	causes map[task.ID]error
	active int
	peak   int
}

// start is one start of a handler.
type start struct {
	id    task.ID
	at    time.Time
	count int
}

func newRuns() *runs { return &runs{causes: map[task.ID]error{}} }

func (r *runs) begin(d *task.Delivery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.starts = append(r.starts, start{d.ID, time.Now(), d.Count})
	r.active++
	r.peak = max(r.peak, r.active)
}

func (r *runs) end(ctx context.Context, d *task.Delivery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.active--
	if ctx.Err() != nil {
		r.causes[d.ID] = context.Cause(ctx)
	}
}

func (r *runs) started() []start {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]start(nil), r.starts...)
}

// most is how many ran at once.
func (r *runs) most() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.peak
}

func (r *runs) times(id task.ID) (n int) {
	for _, s := range r.started() {
		if s.id == id {
			n++
		}
	}
	return n
}

func (r *runs) cause(id task.ID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.causes[id]
}

// taking makes a handler that takes d, or until its context ends: then it fails.
func (r *runs) taking(d time.Duration) func(context.Context, *task.Delivery) task.Settlement {
	return r.as(func(ctx context.Context, _ *task.Delivery) task.Kind {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			return task.OutcomeSuccess
		case <-ctx.Done():
			return task.OutcomeRetry
		}
	})
}

// as makes a handler that is counted.
func (r *runs) as(fn func(ctx context.Context, d *task.Delivery) task.Kind) func(context.Context, *task.Delivery) task.Settlement {
	return func(ctx context.Context, d *task.Delivery) task.Settlement {
		r.begin(d)
		defer r.end(ctx, d)
		return task.Settlement{Kind: fn(ctx, d)}
	}
}

// group is a running group.
type group struct {
	*consumergroup.Group
	stop context.CancelFunc
	done chan error
}

// run starts a group and stops it with the test, if the test has not.
func run(t *testing.T, n *node, o consumergroup.Options) *group {
	t.Helper()
	o.Queue, o.Lease, o.Join = "q", lease, n.join
	o.Partitions = len(n.parts)
	g, err := consumergroup.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &group{Group: g, stop: stop, done: make(chan error, 1)}
	go func() { r.done <- g.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		<-r.done
	})
	return r
}

// end stops the group and returns what Run says.
func (g *group) end() error {
	g.stop()
	err := <-g.done
	g.done <- nil // for the cleanup
	return err
}

func expectCount(t *testing.T, what string, got, want int) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %d, want %d", what, got, want)
	}
}

func expectIs(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// since is the time since the bubble began.
func since(at time.Time) time.Duration {
	return at.Sub(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
}

// expectAt compares a moment, counted from the beginning of the bubble.
func expectAt(t *testing.T, what string, at time.Time, want, tolerance time.Duration) {
	t.Helper()
	if got := since(at); got < want || got > want+tolerance {
		t.Errorf("%s: after %v, want %v to %v", what, got, want, want+tolerance)
	}
}
