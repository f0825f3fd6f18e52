package main

import (
	"context"
	"time"
)

// peer is a task queue that can be measured.
type peer struct {
	name     string
	module   string // whose version is linked in; "" if version tells
	version  func(ctx context.Context) (string, error)
	settings string // what differs from its defaults, and what its answer promises
	store    store
	scale    float64  // of the tasks of a round: a slow peer gets fewer
	only     []string // scenarios, by a part of the name; nil: all

	open   func(ctx context.Context, w *world) (queue, error) // of a peer in Go
	driver *driver                                            // of any other
}

// store is where a peer keeps its tasks.
type store string

const (
	onRedis    store = "redis"
	onPostgres store = "postgres"
)

// queue is a peer in Go on the fresh server of a world.
type queue interface {
	// enqueue returns when the peer says that the task is accepted.
	enqueue(ctx context.Context, payload []byte) error
	// work starts so many handlers.
	work(ctx context.Context, handlers int, handle func(payload []byte)) (worker, error)
	close() error
}

// worker is what runs handlers.
type worker interface {
	// settle returns when the outcome of each task that was handled is stored.
	settle(ctx context.Context) error
	stop() error
}

// bulkQueue is a queue that takes many tasks in one call.
type bulkQueue interface {
	enqueueMany(ctx context.Context, payloads [][]byte) error
}

// delayQueue is a queue that keeps tasks until they are due.
type delayQueue interface {
	enqueueAt(ctx context.Context, payload []byte, due time.Time) error
}

// peers in the order of the report.
var peers = []*peer{
	&floorPeer, &tidemillPeer, &asynqPeer, &asynqStock, &rmqPeer,
	&riverPeer, &riverStock, &riverAsync, &bullmqPeer, &celeryPeer,
}
