package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tidemill/tidemill/integration/history"
	"github.com/tidemill/tidemill/integration/rig"
)

var replicaFaults = []fault{
	{"failover", "the primary is killed with -9, Sentinel promotes a replica", "41 43", sentinel, "", history.Tail, true, failover},
	{"lose-tail", "a replica that lags is promoted", "42 43", sentinel, "", history.Tail, true, loseTail},
	{"kill-primary", "a primary of the Cluster is killed with -9", "47 48", cluster, "", history.Tail, true, killPrimary},
	{"migrate-slot", "the slot of a partition moves to another node under load", "46", cluster, "", history.Nothing, true, migrateSlot},
}

func failover(ctx context.Context, w *world, _ *rand.Rand, f *history.Fault) error {
	return w.replaced(ctx, f, func(func()) (rig.Failed, error) { return w.rig.Failover(ctx) })
}

func loseTail(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	return w.replaced(ctx, f, func(died func()) (rig.Failed, error) {
		return w.rig.LoseTail(ctx, func() {
			pause(ctx, 200*time.Millisecond+upTo(r, 500*time.Millisecond))
			died()
		})
	})
}

// killPrimary also sees to it that every partition goes on, not only those of the
// other primaries.
func killPrimary(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	failed, err := w.rig.KillPrimary(ctx, rig.Slot(w.partition(r).Meta))
	if err != nil {
		return err
	}
	f.Observed = 1
	writable := time.Now()
	if err := w.probe(ctx); err != nil {
		return err
	}
	f.Note = fmt.Sprintf("writable after %.2fs, all partitions at work %.2fs later", failed.Took.Seconds(), time.Since(writable).Seconds())
	return w.rig.Heal(ctx)
}

// migrateSlot moves the slot of a partition to the next primary that has not it.
func migrateSlot(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	slot := rig.Slot(w.partition(r).Meta)
	from, err := w.rig.PrimaryOf(ctx, slot)
	if err != nil {
		return err
	}
	for _, other := range []int{0, 6000, 12000, 16383} {
		to, err := w.rig.PrimaryOf(ctx, other)
		if err != nil {
			return err
		}
		if to != from {
			f.Note = fmt.Sprintf("slot %d from %s to %s", slot, from, to)
			if _, err = w.rig.MigrateSlot(ctx, slot, to); err == nil {
				f.Observed = 1
			}
			return err
		}
	}
	return fmt.Errorf("no other primary for slot %d", slot)
}
