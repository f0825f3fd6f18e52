package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/integration/history"
)

var by = engine.By{Actor: "operator@chaos", Reason: "fault run"}

// operator cancels tasks of its own, in whatever state they are, and requeues
// dead ones.
type operator struct {
	*client
	rand *rand.Rand
	tags int
}

func (r *role) operate(ctx context.Context) error {
	c, err := r.client(ctx)
	if c == nil {
		return err
	}
	o := &operator{client: c, rand: rand.New(rand.NewPCG(r.Seed, 1))}
	for pause(ctx, time.Duration(20+o.rand.IntN(100))*time.Millisecond) {
		if o.rand.IntN(4) == 0 {
			o.requeue(ctx)
		} else {
			o.cancel(ctx)
		}
	}
	return c.close()
}

// cancel makes a task that starts late, or at once, and cancels it, until it is
// told what that came to.
func (o *operator) cancel(ctx context.Context) {
	o.tags++
	b := history.Birth{Tag: fmt.Sprintf("%s.%d.%d", o.Name, os.Getpid(), o.tags), Queue: o.Queues[0], Plan: "ok:300"}
	if o.rand.IntN(3) == 0 {
		b.InMs = (12 * time.Second).Milliseconds()
	}
	b.Key = "key-" + b.Tag
	ctx = context.WithoutCancel(ctx)
	var id engine.ID
	for {
		one, cancel := context.WithTimeout(ctx, 10*time.Second)
		got, err := o.ask(one, []history.Birth{b})
		cancel()
		if err == nil {
			id = got[0].ID
			break
		}
		if !errors.Is(err, engine.ErrUncertain) {
			return
		}
	}
	pause(ctx, time.Duration(o.rand.IntN(200))*time.Millisecond)
	for {
		one, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := o.cancelOnce(one, id)
		cancel()
		if err == nil || errors.Is(err, engine.ErrNotFound) {
			return
		}
	}
}

func (o *operator) cancelOnce(ctx context.Context, id engine.ID) error {
	op := history.Op{T: history.Now(), N: o.n.Add(1), Do: history.Cancel, Res: history.Invoke, ID: id.String()}
	o.write(op)
	what, err := o.eng.Cancel(ctx, id, by)
	o.end(op, err)
	if err == nil && what == engine.CancelRequested { // a handler may win
		return nil
	}
	return err
}

// requeue gives one dead task another life.
func (o *operator) requeue(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	skip := o.rand.IntN(20)
	for st, err := range o.eng.Dead(ctx, engine.Filter{}) {
		if err != nil {
			return
		}
		if skip--; skip >= 0 {
			continue
		}
		op := history.Op{T: history.Now(), N: o.n.Add(1), Do: history.Requeue, Res: history.Invoke, ID: st.ID.String()}
		o.write(op)
		o.end(op, o.eng.Requeue(ctx, st.ID, by))
		return
	}
}
