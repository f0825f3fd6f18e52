package main

import (
	"context"
	"math/rand/v2"
	"strconv"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/integration/history"
	"github.com/tidemill/tidemill/integration/proxy"
	"github.com/tidemill/tidemill/internal/keys"
)

// lateCall is a settle that travels for longer than its consumer lives.
type lateCall struct {
	args     []any
	consumer string
	stream   string
	entries  []string // of the successes it wants to record
	target   string
	pid      int
}

// lateSettle kills a worker while its settle is on the way, waits until its
// entries run elsewhere, and only then lets the call arrive, again and again.
func lateSettle(ctx context.Context, w *world, _ *rand.Rand, f *history.Fault) error {
	caught := make(chan lateCall, len(w.members))
	for _, m := range w.members {
		m.proxy.On(func(c proxy.Command) (proxy.Verdict, func()) {
			late, ok := w.lateCall(c)
			if !ok || len(caught) > 0 {
				return proxy.Forward, nil
			}
			return proxy.Before, func() {
				late.target, late.pid = m.role.Name, m.signal(syscall.SIGKILL)
				select {
				case caught <- late:
				default:
				}
			}
		})
		defer m.proxy.On(nil)
	}
	wait := time.NewTimer(2 * time.Second)
	defer wait.Stop()
	select {
	case <-ctx.Done():
	case <-wait.C:
	case late := <-caught:
		for _, m := range w.members {
			m.proxy.On(nil)
		}
		f.Target, f.PID, f.Note = late.target, late.pid, late.consumer
		f.Observed = w.arrive(ctx, &late)
	}
	return nil
}

// lateCall reads a settle that has successes, as streams/lua/settle.lua says.
func (w *world) lateCall(c proxy.Command) (l lateCall, ok bool) {
	if !w.calls(c, "settle") || len(c.Args) < 4 {
		return l, false
	}
	keys, _ := strconv.Atoi(string(c.Args[2]))
	argv := 3 + keys
	if len(c.Args) < argv+6 {
		return l, false
	}
	runs, _ := strconv.Atoi(string(c.Args[argv+4]))
	n, _ := strconv.Atoi(string(c.Args[argv+5]))
	for i := argv + 6 + 3*runs; i < len(c.Args) && len(l.entries) < n; i += 2 {
		l.entries = append(l.entries, string(c.Args[i]))
	}
	l.consumer, l.stream = string(c.Args[argv]), string(c.Args[4])
	for _, a := range c.Args {
		l.args = append(l.args, string(a))
	}
	return l, n > 0
}

// arrive sends the call while its entries are held by others, and returns how
// often it did.
func (w *world) arrive(ctx context.Context, l *lateCall) (n int64) {
	c := w.rig.Client()
	w.until(ctx, 6*w.opts.lease, func() bool { return w.heldByOther(ctx, c, l) })
	for w.heldByOther(ctx, c, l) && n < 50 {
		c.Do(ctx, l.args...) // what it answers is judged by the history
		n++
	}
	return n
}

// heldByOther reports whether one of the entries is pending for somebody else.
func (w *world) heldByOther(ctx context.Context, c redis.UniversalClient, l *lateCall) bool {
	for _, id := range l.entries {
		rows, err := c.XPendingExt(ctx, &redis.XPendingExtArgs{Stream: l.stream, Group: keys.Group, Start: id, End: id, Count: 1}).Result()
		if err == nil && len(rows) == 1 && rows[0].Consumer != l.consumer {
			return true
		}
	}
	return false
}
