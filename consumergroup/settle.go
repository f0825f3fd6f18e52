package consumergroup

import (
	"context"
	"errors"

	"github.com/tidemill/tidemill/task"
)

// Bounds of one settle, as the log takes it, and how many outcomes are worth a second
// call while one is in flight: fewer wait for it, and go together.
const (
	maxSettle   = 256
	maxVerdicts = 64
	manySettle  = maxSettle / 2
)

// runSettler records outcomes when due says that there are some, as long as there are
// least: while its call is in flight the next batch gathers, and when it returns,
// what has gathered goes. A lone outcome goes at once. A second one, of many, keeps
// the server busy while the answer of the first is on its way.
func (in *incarnation) runSettler(ctx context.Context, due <-chan struct{}, least int) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-due:
		}
		for {
			batch := in.take(least)
			if len(batch) == 0 {
				break
			}
			if !in.record(ctx, batch) {
				return
			}
		}
	}
}

// take gathers a batch of at least so many; and for the first settler, where there is
// none, late ones of earlier incarnations.
func (in *incarnation) take(least int) (batch []task.Settlement) {
	in.mu.Lock()
	if len(in.outcomes) >= least {
		batch = in.gather()
	}
	in.mu.Unlock()
	if batch == nil && least == 1 {
		return in.m.takeLate(maxVerdicts)
	}
	return batch
}

// gather takes from the front: outcomes under one token, few that did not succeed.
// Callers hold mu.
func (in *incarnation) gather() []task.Settlement {
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
