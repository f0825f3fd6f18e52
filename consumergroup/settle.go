package consumergroup

import (
	"context"
	"errors"

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

// take gathers a batch, from the front: outcomes under one token, few that did
// not succeed; and where there is none, late ones of earlier incarnations.
func (in *incarnation) take() []task.Settlement {
	in.mu.Lock()
	n, verdicts := 0, 0
	for n < min(len(in.outcomes), maxSettle) && in.outcomes[n].Delivery.Token == in.outcomes[0].Delivery.Token {
		if in.outcomes[n].Kind != task.OutcomeSuccess {
			verdicts++
		}
		if verdicts > maxVerdicts {
			break
		}
		n++
	}
	batch := in.outcomes[:n:n]
	in.outcomes = in.outcomes[n:]
	in.mu.Unlock()
	if n == 0 {
		return in.m.takeLate(maxVerdicts)
	}
	return batch
}

// record settles one batch until it is answered; false when the lease is lost.
func (in *incarnation) record(ctx context.Context, batch []task.Settlement) bool {
	for failures := 1; ; failures++ {
		answers, err := in.session.Settle(ctx, batch)
		if err == nil {
			in.settled(batch, answers)
			return true
		}
		if errors.Is(err, task.ErrFenced) {
			in.lose(err)
		}
		if ctx.Err() == nil {
			in.m.group.failed("settle", err)
			sleep(ctx, backoff(failures))
		}
		if in.lost.Err() != nil { // before the call, in it, or while waiting for another
			in.m.tooLate(batch, in.session.Name())
			return false
		}
		if ctx.Err() != nil {
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
		if w := in.held[at]; w != nil && w.ended != nil {
			close(w.ended)
		}
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
