package main

import (
	"context"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

var asynqPeer = peer{
	name: "asynq", module: "github.com/hibiken/asynq", store: onRedis, scale: 0.2,
	settings: "PoolSize 128, TaskCheckInterval 2 ms (default 1 s), DelayedTaskCheckInterval 100 ms (default 5 s), no retention; at least once; due times in whole seconds, so up to 1 s early",
	open:     openAsynq(2*time.Millisecond, 100*time.Millisecond),
}

// asynqStock waits as it does out of the box; that changes latency alone.
var asynqStock = peer{
	name: "asynq (defaults)", module: asynqPeer.module, store: onRedis, scale: 0.2,
	settings: "PoolSize 128, else defaults: TaskCheckInterval 1 s, DelayedTaskCheckInterval 5 s",
	only:     []string{"pickup", "lateness"},
	open:     openAsynq(0, 0),
}

type asynqQueue struct {
	conn        asynq.RedisClientOpt
	client      *asynq.Client
	db          *redis.Client // of the world
	check, late time.Duration
}

func openAsynq(check, late time.Duration) func(context.Context, *world) (queue, error) {
	return func(_ context.Context, w *world) (queue, error) {
		conn := asynq.RedisClientOpt{Addr: w.redis.Options().Addr, PoolSize: poolSize}
		return &asynqQueue{conn: conn, client: asynq.NewClient(conn), db: w.redis, check: check, late: late}, nil
	}
}

func (q *asynqQueue) enqueue(ctx context.Context, b []byte) error {
	_, err := q.client.EnqueueContext(ctx, asynq.NewTask(noop.Name(), b))
	return err
}

func (q *asynqQueue) enqueueAt(ctx context.Context, b []byte, due time.Time) error {
	_, err := q.client.EnqueueContext(ctx, asynq.NewTask(noop.Name(), b), asynq.ProcessAt(due))
	return err
}

func (q *asynqQueue) close() error { return q.client.Close() }

type asynqWorker struct {
	srv *asynq.Server
	db  *redis.Client
}

func (q *asynqQueue) work(_ context.Context, handlers int, handle func([]byte)) (worker, error) {
	srv := asynq.NewServer(q.conn, asynq.Config{
		Concurrency: handlers, LogLevel: asynq.FatalLevel,
		TaskCheckInterval: q.check, DelayedTaskCheckInterval: q.late,
	})
	err := srv.Start(asynq.HandlerFunc(func(_ context.Context, t *asynq.Task) error {
		handle(t.Payload())
		return nil
	}))
	return &asynqWorker{srv: srv, db: q.db}, err
}

func (w *asynqWorker) settle(ctx context.Context) error {
	return poll(ctx, func() (bool, error) {
		n, err := w.db.LLen(ctx, "asynq:{default}:active").Result()
		return n == 0, err
	})
}

func (w *asynqWorker) stop() error {
	w.srv.Shutdown()
	return nil
}
