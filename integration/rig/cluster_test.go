package rig_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tidemill/tidemill/integration/rig"
	"github.com/tidemill/tidemill/task"
)

func newCluster(t *testing.T) *world {
	t.Helper()
	return newWorld(t, rig.Config{Topology: rig.Cluster, Dir: t.TempDir()})
}

func TestSlot(t *testing.T) {
	t.Parallel()
	w := newCluster(t)
	c := w.Servers()[0].Client()
	for _, key := range []string{"", "a", "foo{bar}", "{}x", "{x", "a{b}{c}", "a{{b}}", "tm:{default/q/1}:m"} {
		want, err := c.ClusterKeySlot(t.Context(), key).Result()
		if got := rig.Slot(key); err != nil || int64(got) != want {
			t.Errorf("%q: got %d, want %d, %v", key, got, want, err)
		}
	}
}

// The others keep running, and the dead one comes back as a replica.
func TestKillPrimary(t *testing.T) {
	t.Parallel()
	w := newCluster(t)
	ids := w.enqueue(80) // of 8 partitions
	w.must(w.Heal(t.Context()))
	f, err := w.KillPrimary(t.Context(), 0)
	w.must(err)
	t.Logf("%s replaced by %s, no writes for %v", f.Old, f.New, f.Took)
	key := "a" // of a slot of that primary
	for rig.Slot(key) >= rig.Slots/3 {
		key += "a"
	}
	w.until("the client finds the new primary", func() bool { return w.Client().Set(t.Context(), key, 1, 0).Err() == nil })
	ids = append(ids, w.enqueue(80)...)
	w.want(ids, 160)
	w.must(w.Heal(t.Context()))
	w.role(f.New, "master")
	w.role(f.Old, "slave")
	w.enqueue(80)
}

func TestLoseTailOfSlot(t *testing.T) {
	t.Parallel()
	w := newCluster(t)
	key := "tm:{default/q/1}:m"
	var lost []task.ID
	kept := w.enqueue(80)
	f, err := w.LoseTailOf(t.Context(), rig.Slot(key), func() { lost = w.enqueue(80) })
	w.must(err)
	t.Logf("%s replaced by %s, no writes for %v", f.Old, f.New, f.Took)
	kept = append(kept, w.enqueue(80)...)
	w.want(kept, 160)
	if n := w.present(lost); n < 10 || n > 70 {
		t.Errorf("%d of %d survived, want those of the other primaries", n, len(lost))
	}
}

// All keys of a partition move there and back while it takes tasks.
func TestMigrateSlot(t *testing.T) {
	t.Parallel()
	w := newCluster(t)
	w.enqueue(2000)
	slot := rig.Slot("tm:{default/q/1}:m")
	home, err := w.PrimaryOf(t.Context(), slot)
	w.must(err)
	away := w.Servers()[0]
	if away == home {
		away = w.Servers()[1]
	}
	stop := w.produce()
	for _, to := range []*rig.Server{away, home} {
		start := time.Now()
		n, err := w.MigrateSlot(t.Context(), slot, to)
		w.must(err)
		t.Logf("%d keys moved to %s in %v", n, to, time.Since(start))
		if now, err := w.PrimaryOf(t.Context(), slot); now != to || err != nil || n == 0 {
			t.Errorf("%d keys are with %v, %v, want %s", n, now, err, to)
		}
	}
	ids := stop()
	w.want(ids, len(ids))
	w.must(w.Heal(t.Context()))
}

// produce enqueues until the function it returns is called, which returns the
// acknowledged ids.
func (w *world) produce() (stop func() []task.ID) {
	ctx, cancel := context.WithCancel(w.Context())
	var running sync.WaitGroup
	var ids []task.ID
	running.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			got, err := w.log.Enqueue(w.Context(), []task.Birth{{Type: "t", Queue: "q", Payload: fmt.Append(nil, n)}})
			w.check(err)
			for _, e := range got {
				ids = append(ids, e.ID)
			}
		}
	})
	return func() []task.ID {
		cancel()
		running.Wait()
		return ids
	}
}
