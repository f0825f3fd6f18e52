package consumergroup

import (
	"context"
	"errors"
	"time"

	"github.com/tidemill/tidemill/task"
)

// Bounds of one settle, as the log takes it.
const (
	maxSettle   = 256
	maxVerdicts = 64
)

// runSettler records outcomes: while one call is in flight the next batch
// gathers; when it returns, what has gathered goes. A lone outcome goes at once.
func (in *incarnation) runSettler(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-in.settle:
		}
		for {
			batch := in.take()
			if len(batch) == 0 {
				break
			}
			if !in.record(ctx, batch) {
				return
			}
		}
	}
}

// take gathers a batch: outcomes under one token, few that did not succeed, and
// late ones of earlier incarnations.
func (in *incarnation) take() []task.Settlement {
	in.mu.Lock()
	batch := make([]task.Settlement, 0, min(maxSettle, len(in.outcomes)))
	verdicts, rest := 0, in.outcomes[:0]
	for i, o := range in.outcomes {
		success := o.Kind == task.OutcomeSuccess
		switch {
		case len(batch) == maxSettle:
			rest = append(rest, in.outcomes[i:]...)
		case len(batch) > 0 && o.Delivery.Token != batch[0].Delivery.Token || !success && verdicts == maxVerdicts:
			rest = append(rest, o)
			continue
		default:
			if !success {
				verdicts++
			}
			batch = append(batch, o)
			continue
		}
		break
	}
	clear(in.outcomes[len(rest):])
	in.outcomes = rest
	in.mu.Unlock()
	if len(batch) == 0 {
		return in.m.takeLate(maxVerdicts)
	}
	return batch
}

// record settles one batch until it is answered; false when the lease is lost.
func (in *incarnation) record(ctx context.Context, batch []task.Settlement) bool {
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		answers, err := in.session.Settle(ctx, batch)
		if err == nil {
			in.settled(batch, answers)
			return true
		}
		if errors.Is(err, task.ErrFenced) {
			in.lose(err)
		}
		if in.lost.Err() != nil {
			in.m.tooLate(batch, in.session.Name())
			return false
		}
		if ctx.Err() != nil {
			return false
		}
		in.m.group.failed("settle", err)
		if !sleep(ctx, wait) {
			return false
		}
	}
}

// settled lets go of what was answered.
func (in *incarnation) settled(batch []task.Settlement, answers []task.Answer) {
	in.mu.Lock()
	for i := range batch {
		if batch[i].Kind == task.StaleOutcome {
			continue
		}
		at := batch[i].Delivery.Entry
		if in.sweeping {
			in.gone = append(in.gone, at)
			continue
		}
		delete(in.held, at)
	}
	in.mu.Unlock()
	f := in.m.group.opts.Observer.Settled
	for i := range batch {
		if f != nil {
			f(&batch[i], answers[i])
		}
	}
}
