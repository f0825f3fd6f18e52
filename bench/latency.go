package bench

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"github.com/tidemill/tidemill/engine"
)

// times collects durations from several goroutines and says when it has all.
type times struct {
	mu   sync.Mutex
	got  []time.Duration
	want int
	all  chan struct{}
}

func newTimes(want int) *times { return &times{want: want, all: make(chan struct{})} }

func (t *times) add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.got = append(t.got, d); len(t.got) == t.want {
		close(t.all)
	}
}

func (t *times) figures() figures {
	t.mu.Lock()
	defer t.mu.Unlock()
	return figures{"p50": percentile(t.got, 0.50), "p99": percentile(t.got, 0.99)}
}

// The process's monotonic clock, as bytes of a payload.
var epoch = time.Now()

func stamp() []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(time.Since(epoch)))
}

func age(b []byte) time.Duration {
	return time.Since(epoch) - time.Duration(binary.BigEndian.Uint64(b))
}

// paced calls fn so often a second, n times.
func paced(ctx context.Context, perSecond, n int, fn func() error) error {
	began := time.Now()
	for i := range n {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
		if d := time.Until(due); d > 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(d):
			}
		}
		if err := fn(); err != nil {
			return err
		}
	}
	return nil
}

const pickups = 2000

// pickup is the time from the enqueue call to the start of the handler.
func pickup(ctx context.Context, r *run) (figures, error) {
	return r.watch(ctx, pickups, func(b []byte) time.Duration { return age(b) }, func(eng *engine.Engine) error {
		return paced(ctx, 1000, pickups, func() error {
			_, err := noop.Enqueue(ctx, eng, stamp())
			return err
		})
	})
}

// lateness is the time from the due moment to the start of the handler.
func lateness(ctx context.Context, r *run) (figures, error) {
	const delay = time.Second
	late := func(b []byte) time.Duration { return age(b) - delay }
	return r.watch(ctx, pickups, late, func(eng *engine.Engine) error {
		return paced(ctx, 1000, pickups, func() error {
			_, err := noop.Enqueue(ctx, eng, stamp(), engine.In(delay))
			return err
		})
	})
}

// watch runs an engine whose handler measures, while load enqueues.
func (r *run) watch(ctx context.Context, n int, measure func([]byte) time.Duration, load func(*engine.Engine) error) (figures, error) {
	eng, err := r.open(ctx, engine.Options{})
	if err != nil {
		return nil, err
	}
	defer eng.Close()
	t := newTimes(n)
	eng.HandleRaw(noop.Name(), func(_ context.Context, d *engine.Delivery) error {
		t.add(measure(d.Payload))
		return nil
	})
	loaded := make(chan error, 1)
	go func() { loaded <- load(eng) }()
	if err := runUntil(ctx, eng, t.all); err != nil {
		return nil, err
	}
	return t.figures(), <-loaded
}
