package main

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/integration/history"
	"github.com/tidemill/tidemill/internal/keys"
)

// idle reports whether nothing waits, runs or is ready in any partition, by raw
// commands.
func (w *world) idle(ctx context.Context) bool {
	for _, p := range w.partitions {
		if !w.idlePartition(ctx, p) {
			return false
		}
	}
	return true
}

// onlyFar reports whether all that waits is due in more than half an hour: it got its
// due time while the clock was an hour ahead.
func (w *world) onlyFar(ctx context.Context) bool {
	for _, p := range w.partitions {
		far := time.Now().Add(30 * time.Minute).UnixMilli()
		near, err := w.rig.Client().ZCount(ctx, p.Waiting, "-inf", strconv.FormatInt(far, 10)).Result()
		if err != nil || near > 0 {
			return false
		}
	}
	return true
}

// idlePartition looks at one thing after the other; what moves from one to the
// other meanwhile is noticed by the lsn.
func (w *world) idlePartition(ctx context.Context, p *keys.Partition) bool {
	before := w.rig.Client().HGet(ctx, p.Meta, "lsn").Val()
	return w.empty(ctx, p) && w.rig.Client().HGet(ctx, p.Meta, "lsn").Val() == before
}

func (w *world) empty(ctx context.Context, p *keys.Partition) bool {
	c := w.rig.Client()
	waiting, err := c.ZCard(ctx, p.Waiting).Result()
	if err != nil || waiting > 0 {
		return false
	}
	groups, err := c.XInfoGroups(ctx, p.Tasks).Result()
	if err != nil || len(groups) == 0 {
		return err != nil && strings.Contains(err.Error(), "no such key") // never used, or flushed and never used again
	}
	if groups[0].Pending > 0 {
		return false
	}
	next, err := c.XRangeN(ctx, p.Tasks, "("+groups[0].LastDeliveredID, "+", 1).Result()
	return err == nil && len(next) == 0
}

func ping(c *redis.Client) error { return c.Ping(context.Background()).Err() }

// stop ends everything that is left.
func (w *world) stop() error {
	var errs error
	if w.witness != nil {
		w.witness.Stop()
	}
	for _, m := range w.members {
		m.kill()
	}
	if w.client != nil {
		errs = errors.Join(errs, w.client.close())
	}
	if w.log != nil {
		errs = errors.Join(errs, w.log.Close())
	}
	if w.rig != nil {
		errs = errors.Join(errs, w.rig.Stop())
	}
	if w.shim != nil {
		errs = errors.Join(errs, w.shim.Close())
	}
	for _, f := range []*history.Lines{w.faults, w.clock, w.rates} {
		if f != nil {
			errs = errors.Join(errs, f.Close())
		}
	}
	return errs
}

// durability is what the run promises.
func (o *options) durability() string {
	switch {
	case o.replicated:
		return "replicated"
	case o.persistence == "none":
		return "memory"
	}
	return o.persistence
}

// machine says what this runs on.
func machine() string {
	cpu := ""
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		_, rest, _ := strings.Cut(string(b), "model name")
		_, rest, _ = strings.Cut(rest, ": ")
		cpu, _, _ = strings.Cut(rest, "\n")
	}
	return strings.TrimSpace(strings.Join([]string{runtime.GOOS, runtime.GOARCH, cpu, "× " + itoa(runtime.NumCPU())}, " "))
}
