package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/adjust/rmq/v5"
	"github.com/redis/go-redis/v9"
)

const (
	rmqPrefetch = 1000
	rmqPoll     = time.Millisecond
	rmqBatch    = 1000 // payloads of one LPUSH
)

var rmqPeer = peer{
	name: "rmq", module: "github.com/adjust/rmq/v5", store: onRedis, scale: 0.2,
	settings: "PoolSize 128, prefetch 1000, poll 1 ms, a consumer per handler; bulk is Publish of 1,000 (one LPUSH); at least once if a cleaner runs; no ids, retries or delays",
	open:     openRmq,
}

type rmqQueue struct {
	w       *world
	db      *redis.Client
	conn    rmq.Connection
	queue   rmq.Queue
	errs    chan error // of the loops of rmq; never closed
	publish func(...[]byte) error
}

func openRmq(_ context.Context, w *world) (queue, error) {
	db, err := connect(w.url)
	if err != nil {
		return nil, err
	}
	errs := make(chan error, 16)
	conn, err := rmq.OpenConnectionWithRedisClient("bench", db, errs)
	if err != nil {
		return nil, err
	}
	rq, err := conn.OpenQueue("bench")
	if err != nil {
		return nil, err
	}
	return &rmqQueue{w: w, db: db, conn: conn, queue: rq, errs: errs, publish: rq.PublishBytes}, nil
}

func (q *rmqQueue) enqueue(_ context.Context, b []byte) error { return q.publish(b) }

func (q *rmqQueue) enqueueMany(_ context.Context, all [][]byte) error {
	for part := range slices.Chunk(all, rmqBatch) {
		if err := q.publish(part...); err != nil {
			return err
		}
	}
	return nil
}

func (q *rmqQueue) close() error {
	<-q.conn.StopAllConsuming()
	return q.db.Close() // rmq has no other way to end its heartbeat
}

func (q *rmqQueue) work(_ context.Context, handlers int, handle func([]byte)) (worker, error) {
	if err := q.queue.StartConsuming(rmqPrefetch, rmqPoll); err != nil {
		return nil, err
	}
	for range handlers {
		_, err := q.queue.AddConsumerFunc("bench", func(d rmq.Delivery) {
			handle([]byte(d.Payload()))
			if err := d.Ack(); err != nil {
				select {
				case q.errs <- err:
				default: // one is enough
				}
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return q, nil
}

// settle asks for the list of what is not acknowledged: Redis drops empty lists.
func (q *rmqQueue) settle(ctx context.Context) error {
	return poll(ctx, func() (bool, error) {
		select {
		case err := <-q.errs:
			return false, err
		default:
		}
		keys, err := q.w.redis.Keys(ctx, "rmq::connection::*::unacked").Result()
		return len(keys) == 0, err
	})
}

func (q *rmqQueue) stop() error {
	select {
	case <-q.queue.StopConsuming():
		return nil
	case <-time.After(10 * time.Second):
		return errors.New("consumers do not stop")
	}
}
