package main

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"time"

	"github.com/tidemill/tidemill/engine"
)

var tidemillPeer = peer{
	name: "tidemill", store: onRedis, scale: 1,
	version:  tidemillVersion,
	settings: "defaults; bulk is one EnqueueMany call; at least once, full history kept",
	open:     openTidemill,
}

// tidemillVersion is the commit that is measured.
func tidemillVersion(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--tags", "--dirty").Output()
	if err != nil {
		return "devel", nil // measured from a tree without git
	}
	return strings.TrimSpace(string(out)), nil
}

var noop = engine.Define[[]byte]("bench.noop")

type tidemill struct {
	url string
	eng *engine.Engine
}

func openTidemill(ctx context.Context, w *world) (queue, error) {
	eng, err := engine.Open(ctx, w.url, engine.Options{})
	if err != nil {
		return nil, err
	}
	return &tidemill{url: w.url, eng: eng}, nil
}

func (q *tidemill) enqueue(ctx context.Context, b []byte) error {
	_, err := noop.Enqueue(ctx, q.eng, b)
	return err
}

func (q *tidemill) enqueueMany(ctx context.Context, all [][]byte) error {
	_, err := noop.EnqueueMany(ctx, q.eng, all)
	return err
}

func (q *tidemill) enqueueAt(ctx context.Context, b []byte, due time.Time) error {
	_, err := noop.Enqueue(ctx, q.eng, b, engine.At(due))
	return err
}

func (q *tidemill) close() error { return q.eng.Close() }

// tidemillWorker is an engine of its own: concurrency is an option of Open.
type tidemillWorker struct {
	eng    *engine.Engine
	cancel context.CancelFunc
	ended  chan error // one send, by the goroutine of Run
	done   bool
}

func (q *tidemill) work(ctx context.Context, handlers int, handle func([]byte)) (worker, error) {
	eng, err := engine.Open(ctx, q.url, engine.Options{Queues: map[string]int{engine.DefaultQueue: handlers}})
	if err != nil {
		return nil, err
	}
	eng.HandleRaw(noop.Name(), func(_ context.Context, d *engine.Delivery) error {
		handle(d.Payload)
		return nil
	})
	ctx, cancel := context.WithCancel(ctx)
	w := &tidemillWorker{eng: eng, cancel: cancel, ended: make(chan error, 1)}
	go func() { w.ended <- eng.Run(ctx) }() // joined by settle or stop
	return w, nil
}

// settle drains: when Run has returned, every outcome is recorded.
func (w *tidemillWorker) settle(context.Context) error {
	if w.done {
		return nil
	}
	w.done = true
	w.cancel()
	return <-w.ended
}

func (w *tidemillWorker) stop() error {
	return errors.Join(w.settle(context.Background()), w.eng.Close())
}
