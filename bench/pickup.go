package bench

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/engine"
)

// lags collects durations from several goroutines and says when it has all.
type lags struct {
	mu  sync.Mutex
	got []time.Duration

	*countdown
}

func newLags(want int) *lags { return &lags{countdown: newCountdown(want)} }

func (l *lags) add(d time.Duration) {
	l.mu.Lock()
	l.got = append(l.got, d)
	l.mu.Unlock()
	l.done()
}

func (l *lags) figures() figures {
	l.mu.Lock()
	defer l.mu.Unlock()
	return percentiles(l.got)
}

// origin is that of the process's monotonic clock, which payloads carry.
var origin = time.Now()

func stamp() []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(time.Since(origin)))
}

func age(b []byte) time.Duration {
	if len(b) != 8 {
		return 0
	}
	return time.Since(origin) - time.Duration(binary.BigEndian.Uint64(b))
}

// pickup is the time from the enqueue call to the start of the handler, for a
// share of the tasks, so many a second.
func pickup(perSecond int, share float64) side {
	return func(ctx context.Context, r *run) (figures, error) {
		n := r.share(share)
		return r.watch(ctx, n, age, func(ctx context.Context, eng *engine.Engine) error {
			return paced(ctx, perSecond, n, func() error {
				_, err := noop.Enqueue(ctx, eng, stamp())
				return err
			})
		})
	}
}

// floorPickup is the wake-up of a blocked read.
func floorPickup(perSecond int, share float64) side {
	return func(ctx context.Context, r *run) (figures, error) {
		if err := r.group(ctx); err != nil {
			return nil, err
		}
		n := r.share(share)
		l := newLags(n)
		err := together(ctx, func(ctx context.Context) error {
			return paced(ctx, perSecond, n, func() error { return r.db.XAdd(ctx, r.entry(stamp())).Err() })
		}, func(ctx context.Context) error {
			return r.consume(ctx, n, time.Second, func(m redis.XMessage) {
				s, _ := m.Values["payload"].(string)
				l.add(age([]byte(s)))
			})
		})
		if err != nil {
			return nil, err
		}
		return l.figures(), nil
	}
}

// watch runs an engine whose handler measures n tasks, while load enqueues them.
func (r *run) watch(ctx context.Context, n int, measure func([]byte) time.Duration, load func(context.Context, *engine.Engine) error) (figures, error) {
	eng, err := r.open(ctx, engine.Options{})
	if err != nil {
		return nil, err
	}
	defer eng.Close()
	l := newLags(n)
	eng.HandleRaw(noop.Name(), func(_ context.Context, d *engine.Delivery) error {
		l.add(measure(d.Payload))
		return nil
	})
	err = together(ctx, func(ctx context.Context) error {
		return runUntil(ctx, eng, l.zero)
	}, func(ctx context.Context) error {
		return load(ctx, eng)
	})
	if err != nil {
		return nil, err
	}
	return l.figures(), nil
}
