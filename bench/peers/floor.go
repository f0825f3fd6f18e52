package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// floorPeer is no queue: the least commands that could move the same bytes.
var floorPeer = peer{
	name: "go-redis", module: "github.com/redis/go-redis/v9", store: onRedis, scale: 1,
	settings: "the floor, not a queue: XADD with the fields of a birth (bulk: pipelines of 256); one goroutine reads by XREADGROUP COUNT 256 and acknowledges by XACK, whatever the concurrency",
	open:     openFloor,
}

const (
	floorStream = "floor"
	floorBatch  = 256
)

type floor struct{ db *redis.Client }

func openFloor(ctx context.Context, w *world) (queue, error) {
	db, err := connect(w.url)
	if err != nil {
		return nil, err
	}
	err = db.XGroupCreateMkStream(ctx, floorStream, "g", "0").Err()
	if redis.HasErrorPrefix(err, "BUSYGROUP") { // it is there
		err = nil
	}
	return &floor{db: db}, err
}

func (f *floor) add(b []byte) *redis.XAddArgs {
	return &redis.XAddArgs{Stream: floorStream, Values: []any{
		"v", "1", "type", "bench.noop", "payload", b, "ref", "1", "attempt", "1", "headers", "", "opts", "", "due", "", "prev", "",
	}}
}

func (f *floor) enqueue(ctx context.Context, b []byte) error { return f.db.XAdd(ctx, f.add(b)).Err() }

func (f *floor) enqueueMany(ctx context.Context, all [][]byte) error {
	for len(all) > 0 {
		pipe := f.db.Pipeline()
		for _, b := range all[:min(len(all), floorBatch)] {
			pipe.XAdd(ctx, f.add(b))
		}
		all = all[pipe.Len():]
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (f *floor) close() error { return f.db.Close() }

// floorWorker is one goroutine that reads and acknowledges batches.
type floorWorker struct {
	db     *redis.Client
	handle func([]byte)
	cancel context.CancelFunc
	ended  chan error // one send, by the goroutine of run
}

func (f *floor) work(ctx context.Context, _ int, handle func([]byte)) (worker, error) {
	ctx, cancel := context.WithCancel(ctx)
	w := &floorWorker{db: f.db, handle: handle, cancel: cancel, ended: make(chan error, 1)}
	go func() { w.ended <- w.run(ctx) }() // joined by stop
	return w, nil
}

func (w *floorWorker) run(ctx context.Context) error {
	read := &redis.XReadGroupArgs{Group: "g", Consumer: "c", Streams: []string{floorStream, ">"}, Count: floorBatch, Block: 100 * time.Millisecond}
	for ctx.Err() == nil {
		got, err := w.db.XReadGroup(ctx, read).Result()
		if errors.Is(err, redis.Nil) || ctx.Err() != nil {
			continue
		}
		if err != nil {
			return fmt.Errorf("read group: %w", err)
		}
		ids := make([]string, len(got[0].Messages))
		for i, m := range got[0].Messages {
			ids[i] = m.ID
			s, _ := m.Values["payload"].(string)
			w.handle([]byte(s))
		}
		if err := w.db.XAck(ctx, floorStream, "g", ids...).Err(); err != nil && ctx.Err() == nil {
			return fmt.Errorf("ack: %w", err)
		}
	}
	return nil
}

func (w *floorWorker) settle(ctx context.Context) error {
	return poll(ctx, func() (bool, error) {
		p, err := w.db.XPending(ctx, floorStream, "g").Result()
		return err == nil && p.Count == 0, err
	})
}

func (w *floorWorker) stop() error {
	w.cancel()
	return <-w.ended
}

// poll asks every millisecond until the answer is yes.
func poll(ctx context.Context, ask func() (bool, error)) error {
	for {
		if yes, err := ask(); yes || err != nil {
			return err
		}
		if err := sleepUntil(ctx, time.Now().Add(time.Millisecond)); err != nil {
			return err
		}
	}
}
