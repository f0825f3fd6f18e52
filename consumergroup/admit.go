package consumergroup

import (
	"context"
	"time"

	"github.com/tidemill/tidemill/task"
)

// maxStarts is how often a task may have been started without an outcome and
// still get another try; the last one is alone.
const maxStarts = 3

// admit decides how each delivery starts: at once, after being charged, alone,
// or never.
func (in *incarnation) admit(ctx context.Context, ws []*work, marks int) {
	if marks > 0 {
		ws = in.withoutCancelled(ctx, ws)
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
	if charge = in.charge(ctx, charge); len(charge) > 0 {
		in.m.group.pool.push(charge)
	}
}

// withoutCancelled asks which of the tasks an operator cancelled, and settles
// those without a start. Where no answer comes nothing starts: all are handed back.
func (in *incarnation) withoutCancelled(ctx context.Context, ws []*work) []*work {
	ask := make([]task.ID, len(ws))
	for i, w := range ws {
		ask[i] = w.d.ID
	}
	_, cancelled, err := in.session.Renew(ctx, ask)
	if err != nil {
		if !in.isLost(err) {
			in.m.group.failed("renew", err)
			in.handBack(ws)
		}
		return nil
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
	return left
}

// charge counts the start of deliveries that were taken over, before it, and
// returns those that may start.
func (in *incarnation) charge(ctx context.Context, ws []*work) []*work {
	if len(ws) == 0 {
		return nil
	}
	ds := make([]*task.Delivery, len(ws))
	for i, w := range ws {
		ds[i] = &w.d
	}
	held, err := in.session.Charge(ctx, ds)
	if err != nil {
		if !in.isLost(err) {
			in.m.group.failed("charge", err)
			in.handBack(ws)
		}
		return nil
	}
	may := make([]*work, 0, len(ws))
	for i, w := range ws {
		if held[i] {
			w.charged = true
			may = append(may, w)
		} else {
			in.forget(w)
		}
	}
	return may
}

// forget lets go of a delivery that is not ours any more.
func (in *incarnation) forget(w *work) {
	w.phase.Store(over)
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.held, w.d.Entry)
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
// has survived a second, on this whole node.
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

// startAlone charges one suspect and waits until it ended or survived.
func (in *incarnation) startAlone(ctx context.Context, w *work) {
	if len(in.charge(ctx, []*work{w})) == 0 {
		return
	}
	in.m.group.pool.push([]*work{w})
	select {
	case <-ctx.Done():
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
