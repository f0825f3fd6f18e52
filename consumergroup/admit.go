package consumergroup

import (
	"context"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/task"
)

// maxStarts is how often a task may have been started without an outcome and
// still get another try; the last one is alone.
const maxStarts = 3

// admit decides how each delivery of a batch starts: at once, after being
// charged, alone, or never. While the queue is paused nothing starts. After an
// error what could not be decided was handed back: the caller waits a little, or
// it would come and go without end.
func (in *incarnation) admit(ctx context.Context, ws []*work, b *task.Batch) error {
	if b.Paused {
		in.handBack(ws)
		return nil
	}
	if b.Marks > 0 {
		var err error
		if ws, err = in.withoutCancelled(ctx, ws); err != nil {
			return err
		}
	}
	ready := ws[:0]
	var charge []*work
	for _, w := range ws {
		switch starts := w.d.Starts(); {
		case starts == 0:
			ready = append(ready, w)
		case starts < maxStarts-1:
			charge = append(charge, w)
		case starts < maxStarts:
			in.addSuspect(w)
		default:
			in.bury(w)
		}
	}
	if len(ready) > 0 {
		in.m.group.pool.push(ready)
	}
	charge, err := in.charge(ctx, charge)
	if len(charge) > 0 {
		in.m.group.pool.push(charge)
	}
	return err
}

// withoutCancelled asks which of the tasks an operator cancelled, and settles
// those without a start.
func (in *incarnation) withoutCancelled(ctx context.Context, ws []*work) ([]*work, error) {
	ask := make([]task.ID, len(ws))
	for i, w := range ws {
		ask[i] = w.d.ID
	}
	_, cancelled, err := in.session.Renew(ctx, ask)
	if err != nil {
		return nil, in.undecided(ws, "renew", err)
	}
	marked := make(map[task.ID]bool, len(cancelled))
	for _, id := range cancelled {
		marked[id] = true
	}
	left := make([]*work, 0, len(ws))
	for _, w := range ws {
		if !marked[w.d.ID] {
			left = append(left, w)
		} else if w.phase.CompareAndSwap(waiting, over) {
			in.add(w, task.Settlement{Kind: task.OutcomeCancel})
		}
	}
	return left, nil
}

// undecided hands back what must not start without an answer.
func (in *incarnation) undecided(ws []*work, op string, err error) error {
	if !in.isLost(err) {
		in.handBack(ws)
	}
	return fmt.Errorf("%s: %w", op, err)
}

// charge counts the start of deliveries that were taken over, before it, and
// returns those that may start.
func (in *incarnation) charge(ctx context.Context, ws []*work) ([]*work, error) {
	if len(ws) == 0 {
		return nil, nil
	}
	charged := make([]task.Delivery, len(ws)) // copies: a cancel may settle one meanwhile
	ds := make([]*task.Delivery, len(ws))
	for i, w := range ws {
		charged[i] = w.d
		ds[i] = &charged[i]
	}
	held, err := in.session.Charge(ctx, ds)
	if err != nil {
		return nil, in.undecided(ws, "charge", err)
	}
	may := make([]*work, 0, len(ws))
	in.mu.Lock()
	defer in.mu.Unlock()
	for i, w := range ws {
		switch {
		case !held[i]: // it is not ours any more
			w.phase.Store(over)
			delete(in.held, w.d.Entry)
		case w.phase.Load() == waiting:
			w.d.Count, w.charged = charged[i].Count, true
			may = append(may, w)
		}
	}
	return may, nil
}

// bury ends a task of which three nodes died.
func (in *incarnation) bury(w *work) {
	if w.phase.CompareAndSwap(waiting, over) {
		in.add(w, task.Settlement{Kind: task.OutcomeDead, Reason: "crash_loop", Error: "started three times without an outcome"})
	}
}

func (in *incarnation) addSuspect(w *work) {
	w.started, w.ended = make(chan struct{}), make(chan struct{})
	in.mu.Lock()
	in.suspects = append(in.suspects, w)
	in.mu.Unlock()
	select {
	case in.suspect <- struct{}{}:
	default:
	}
}

func (in *incarnation) nextSuspect() *work {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.suspects) == 0 {
		return nil
	}
	w := in.suspects[0]
	in.suspects = in.suspects[1:]
	return w
}

// runSuspects starts suspects one by one: the next when the last has ended or
// has survived a second, on this whole node. Ended is when Redis knows: should
// the next one kill the node, the last must not be taken for another victim.
func (in *incarnation) runSuspects(ctx context.Context) {
	gate := in.m.group.opts.Suspects
	for {
		w := in.nextSuspect()
		if w == nil {
			select {
			case <-ctx.Done():
				return
			case <-in.suspect:
				continue
			}
		}
		select {
		case <-ctx.Done():
			return
		case gate.slot <- struct{}{}:
		}
		in.startAlone(ctx, w)
		gate.leave()
	}
}

// startAlone charges one suspect and waits until it ended or survived. The queue may
// have been paused while it waited for its turn.
func (in *incarnation) startAlone(ctx context.Context, w *work) {
	if paused, err := in.session.Paused(ctx); err == nil && paused { // an error shows in the charge
		in.handBack([]*work{w})
		return
	}
	may, err := in.charge(ctx, []*work{w})
	if err != nil && ctx.Err() == nil {
		in.m.group.failed("charge", err)
		sleep(ctx, time.Second)
	}
	if len(may) == 0 {
		return
	}
	in.m.group.pool.push([]*work{w})
	select {
	case <-ctx.Done():
		return
	case <-w.ended:
		return
	case <-w.started:
	}
	survived := time.NewTimer(time.Second)
	defer survived.Stop()
	select {
	case <-ctx.Done():
	case <-w.ended:
	case <-survived.C:
	}
}
