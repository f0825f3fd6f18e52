package streams_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/streams/streamstest"
	"github.com/tidemill/tidemill/task"
)

// The group is destroyed again and again under load, and several processes mend
// it at once: every task ends, once.
func TestGroupDestroyedUnderLoad(t *testing.T) {
	t.Parallel()
	ns := streams.Options{Namespace: redistest.Namespace(t)}
	r := newRig(t, redistest.URL(t), ns)
	const tasks = 1500
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	var wg sync.WaitGroup
	for range 3 {
		node := newRig(t, redistest.URL(t), ns)
		wg.Go(func() { node.consume(ctx) })
	}
	wg.Go(func() {
		for i := range 60 {
			r.ready(tasks / 60)
			if i%12 == 5 {
				r.must(r.db.XGroupDestroy(r.ctx, r.k.Tasks, "workers").Err())
			}
		}
	})
	r.until("all ended", func() bool { return r.stats().Succeeded == tasks })
	stop()
	wg.Wait()
	if n := r.count(task.Recovered); n == 0 {
		t.Error("the group was never rebuilt")
	}
	streamstest.Check(t, r.log, queue)
}

// consume works until ctx ends. It takes over at once from whoever has no record
// and survives what a lost group brings.
func (r *rig) consume(ctx context.Context) {
	s := r.join()
	survive := func(err error) bool {
		if err != nil && ctx.Err() == nil && !errors.Is(err, streams.ErrNoGroup) {
			r.Error(err)
		}
		return err == nil
	}
	for ctx.Err() == nil {
		var ds []task.Delivery
		if b, err := s.Fetch(ctx, 20, time.Millisecond); survive(err) {
			ds = b.Deliveries
		}
		if all, err := s.Observe(ctx, true); survive(err) {
			if record, ok := all["recover"]; ok {
				if b, _, err := s.Reclaim(ctx, "recover", record); survive(err) {
					ds = append(ds, b.Deliveries...)
				}
			}
		}
		for len(ds) > 0 {
			n := min(len(ds), 50)
			_, err := s.Settle(ctx, outcomes(task.OutcomeSuccess, ds[:n]))
			survive(err)
			ds = ds[n:]
		}
	}
}
