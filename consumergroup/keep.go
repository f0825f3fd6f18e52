package consumergroup

import (
	"context"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/task"
)

// keep renews the lease every third of it. When no renewal has succeeded for a
// whole lease of the monotonic clock, counted from when the last one was sent,
// another node may be taking over: the incarnation ends itself.
func (in *incarnation) keep(ctx context.Context) {
	lease := in.m.group.opts.Lease
	renewed := time.Now() // join wrote the record
	marks := 0
	t := time.NewTimer(lease / 3)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		sent := time.Now()
		c, cancel := context.WithDeadline(ctx, renewed.Add(lease))
		n, err := in.renew(c, marks)
		cancel()
		switch {
		case err == nil:
			renewed, marks = sent, n
			in.m.pulse.hasRenewed(sent)
		case in.isLost(err) || ctx.Err() != nil:
			return
		case time.Since(renewed) >= lease:
			in.lose(fmt.Errorf("%w: not renewed for %s: %w", task.ErrLeaseLost, lease, err))
			return
		default:
			in.m.group.failed("renew", err)
		}
		t.Reset(max(min(lease/3, time.Until(sent.Add(lease/3))), time.Millisecond))
	}
}

// renew moves the heartbeat; when cancels are marked it asks about everything
// that is held, and stops what was cancelled.
func (in *incarnation) renew(ctx context.Context, marks int) (int, error) {
	var ask []task.ID
	if marks > 0 {
		ask = in.ids()
	}
	n, cancelled, err := in.session.Renew(ctx, ask)
	if err != nil {
		return 0, err
	}
	if n > 0 && marks == 0 {
		return in.renew(ctx, n) // the first mark: ask at once
	}
	if len(cancelled) > 0 {
		in.stop(cancelled)
	}
	return n, nil
}

func (in *incarnation) ids() []task.ID {
	in.mu.Lock()
	defer in.mu.Unlock()
	ids := make([]task.ID, 0, len(in.held))
	for _, w := range in.held {
		ids = append(ids, w.d.ID)
	}
	return ids
}

// stop cancels what runs; what has not started ends without a start.
func (in *incarnation) stop(cancelled []task.ID) {
	marked := make(map[task.ID]bool, len(cancelled))
	for _, id := range cancelled {
		marked[id] = true
	}
	var ended []*work
	in.mu.Lock()
	for _, w := range in.held {
		if !marked[w.d.ID] {
			continue
		}
		if w.phase.CompareAndSwap(waiting, over) {
			ended = append(ended, w)
		} else {
			w.cancel(task.ErrCancelled)
		}
	}
	in.mu.Unlock()
	for _, w := range ended {
		in.add(w, task.Settlement{Kind: task.OutcomeCancel})
	}
}
