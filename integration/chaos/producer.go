package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/integration/history"
	"github.com/tidemill/tidemill/task"
)

// producers is how many goroutines of one process enqueue.
const producers = 4

// client is a process that asks and writes down what it asked and was told.
type client struct {
	*role
	eng *engine.Engine
	ops *history.Lines
	n   atomic.Int64 // operations
}

func (r *role) client(ctx context.Context) (*client, error) {
	ops, err := r.record()
	if err != nil {
		return nil, err
	}
	eng := r.open(ctx)
	if eng == nil {
		return nil, ops.Close()
	}
	return &client{role: r, eng: eng, ops: ops}, nil
}

func (c *client) close() error { return errors.Join(c.eng.Close(), c.ops.Close()) }

func (r *role) produce(ctx context.Context) error {
	c, err := r.client(ctx)
	if c == nil {
		return err
	}
	var wg sync.WaitGroup
	for i := range producers {
		p := &producer{client: c, name: fmt.Sprintf("%s.%d.%d", r.Name, os.Getpid(), i), rand: rand.New(rand.NewPCG(r.Seed, uint64(i)))}
		wg.Go(func() { p.run(ctx) })
	}
	wg.Wait()
	return c.close()
}

// producer is one goroutine that enqueues.
type producer struct {
	*client
	name string
	rand *rand.Rand
	tags int
}

// run enqueues at the wanted rate, whatever the answers: one by one, in batches,
// and now and then more than one call holds.
func (p *producer) run(ctx context.Context) {
	for ctx.Err() == nil {
		n := 1
		switch draw := p.rand.IntN(1000); {
		case draw == 0:
			n = 257 + p.rand.IntN(100)
		case draw < 200:
			n = 2 + p.rand.IntN(30)
		}
		began := time.Now()
		p.enqueue(ctx, p.births(n))
		every := time.Duration(n) * time.Second * producers / time.Duration(p.Rate)
		pause(ctx, every-time.Since(began))
	}
}

func (p *producer) births(n int) []history.Birth {
	queue, replicated := p.Queues[p.rand.IntN(len(p.Queues))], p.Replicated && p.rand.IntN(2) == 0
	bs := make([]history.Birth, n)
	for i := range bs {
		p.tags++
		bs[i] = history.Birth{
			Tag: fmt.Sprintf("%s.%d", p.name, p.tags), Queue: queue, Plan: draw(p.rand), InMs: drawDelay(p.rand).Milliseconds(),
			Replicated: replicated,
		}
		if p.rand.IntN(10) == 0 {
			bs[i].Key = "key-" + bs[i].Tag
		}
	}
	return bs
}

// enqueue asks once, and when it is not told whether it is done, again for what
// has a key: that must not make a second task. One in twenty has no patience.
func (p *producer) enqueue(ctx context.Context, bs []history.Birth) {
	limit := 10 * time.Second
	if p.rand.IntN(20) == 0 {
		limit = time.Duration(1+p.rand.IntN(50)) * time.Millisecond
	}
	for {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
		_, err := p.ask(ctx, bs)
		cancel()
		if bs = keyed(bs); !errors.Is(err, engine.ErrUncertain) || len(bs) == 0 {
			return
		}
		limit = 10 * time.Second
	}
}

func keyed(bs []history.Birth) (out []history.Birth) {
	for _, b := range bs {
		if b.Key != "" {
			out = append(out, b)
		}
	}
	return out
}

// ask makes one operation and writes both of its lines.
func (c *client) ask(ctx context.Context, bs []history.Birth) ([]engine.Task, error) {
	births := make([]task.Birth, len(bs))
	for i := range bs {
		births[i] = birth(&bs[i])
	}
	op := history.Op{T: history.Now(), N: c.n.Add(1), Do: history.Enqueue, Res: history.Invoke, Births: bs}
	c.write(op)
	got, err := c.eng.Produce(ctx, births)
	op.Births = nil
	for _, t := range got {
		op.IDs, op.Known = append(op.IDs, t.ID.String()), append(op.Known, t.Existing)
	}
	c.end(op, err)
	return got, err
}

func (c *client) end(op history.Op, err error) {
	op.T, op.Res = history.Now(), resultOf(err)
	if err != nil {
		op.Err = err.Error()
	}
	c.write(op)
}

func (c *client) write(op history.Op) {
	if err := c.ops.Write(op); err != nil {
		panic(err)
	}
}

// resultOf reads an error as a user would: only what says that it may be done is
// unknown.
func resultOf(err error) string {
	switch {
	case err == nil:
		return history.OK
	case errors.Is(err, engine.ErrUncertain):
		return history.Unknown
	}
	return history.Fail
}
