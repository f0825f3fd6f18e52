package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

const (
	riverModule   = "github.com/riverqueue/river"
	riverConns    = 24
	riverCooldown = 2 * time.Millisecond
	riverPoll     = 50 * time.Millisecond
	riverBatch    = 10_000
)

var riverPeer = peer{
	name: "river", module: riverModule, store: onPostgres, scale: 0.2,
	version:  riverVersion,
	settings: "pgxpool of 24, FetchCooldown 2 ms (default 100 ms, its own bench sets 2), FetchPollInterval 50 ms (default 1 s); bulk is InsertManyFast (COPY) of 10,000; fsync and synchronous_commit on, so every answer is durable",
	open:     openRiver(riverCooldown, riverPoll, false),
}

// riverStock fetches as it does out of the box; that bounds drains too.
var riverStock = peer{
	name: "river (defaults)", module: riverModule, store: onPostgres, scale: 0.05,
	version:  riverVersion,
	settings: "pgxpool of 24, else defaults: FetchCooldown 100 ms, FetchPollInterval 1 s; every answer is durable",
	only:     []string{"drain no-op, concurrency 64", "pickup", "lateness"},
	open:     openRiver(0, 0, false),
}

// riverAsync promises about what Redis does with appendfsync everysec.
var riverAsync = peer{
	name: "river (async commit)", module: riverModule, store: onPostgres, scale: 0.2,
	version:  riverVersion,
	settings: "as river, with synchronous_commit off: a crash may cost the last moments, as with appendfsync everysec",
	only:     []string{"enqueue", "drain"},
	open:     openRiver(riverCooldown, riverPoll, true),
}

func riverVersion(ctx context.Context) (string, error) {
	pg, err := postgresVersion(ctx)
	return moduleVersion(riverModule) + " on " + pg, err
}

type riverArgs struct {
	Payload string `json:"payload"`
}

func (riverArgs) Kind() string { return "bench_noop" }

type riverQueue struct {
	pool           *pgxpool.Pool
	client         *river.Client[pgx.Tx]
	cooldown, poll time.Duration
}

func openRiver(cooldown, poll time.Duration, async bool) func(context.Context, *world) (queue, error) {
	return func(ctx context.Context, w *world) (queue, error) {
		conf, err := pgxpool.ParseConfig(w.url)
		if err != nil {
			return nil, err
		}
		conf.MaxConns = riverConns
		if async {
			conf.ConnConfig.RuntimeParams["synchronous_commit"] = "off"
		}
		pool, err := pgxpool.NewWithConfig(ctx, conf)
		if err != nil {
			return nil, err
		}
		q := &riverQueue{pool: pool, cooldown: cooldown, poll: poll}
		if err := q.migrate(ctx); err != nil {
			pool.Close()
			return nil, err
		}
		return q, nil
	}
}

// quiet keeps river from telling what a benchmark does to it.
var quiet = slog.New(slog.DiscardHandler)

func (q *riverQueue) migrate(ctx context.Context) error {
	driver := riverpgxv5.New(q.pool)
	m, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: quiet})
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	q.client, err = river.NewClient(driver, &river.Config{Logger: quiet})
	return err
}

func (q *riverQueue) enqueue(ctx context.Context, b []byte) error {
	_, err := q.client.Insert(ctx, riverArgs{string(b)}, nil)
	return err
}

func (q *riverQueue) enqueueAt(ctx context.Context, b []byte, due time.Time) error {
	_, err := q.client.Insert(ctx, riverArgs{string(b)}, &river.InsertOpts{ScheduledAt: due})
	return err
}

func (q *riverQueue) enqueueMany(ctx context.Context, all [][]byte) error {
	for part := range slices.Chunk(all, riverBatch) {
		jobs := make([]river.InsertManyParams, len(part))
		for i, b := range part {
			jobs[i].Args = riverArgs{string(b)}
		}
		if _, err := q.client.InsertManyFast(ctx, jobs); err != nil {
			return err
		}
	}
	return nil
}

func (q *riverQueue) close() error {
	q.pool.Close()
	return nil
}

type riverWorker struct {
	client *river.Client[pgx.Tx]
	pool   *pgxpool.Pool
}

func (q *riverQueue) work(ctx context.Context, handlers int, handle func([]byte)) (worker, error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(_ context.Context, j *river.Job[riverArgs]) error {
		handle([]byte(j.Args.Payload))
		return nil
	}))
	client, err := river.NewClient(riverpgxv5.New(q.pool), &river.Config{
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: handlers}}, Workers: workers,
		FetchCooldown: q.cooldown, FetchPollInterval: q.poll, Logger: quiet,
	})
	if err != nil {
		return nil, err
	}
	return &riverWorker{client: client, pool: q.pool}, client.Start(context.WithoutCancel(ctx))
}

func (w *riverWorker) settle(ctx context.Context) error {
	return poll(ctx, func() (bool, error) {
		var open bool
		err := w.pool.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM river_job WHERE state IN ('available', 'running'))`).Scan(&open)
		return !open, err
	})
}

func (w *riverWorker) stop() error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), 10*time.Second, errors.New("river does not stop"))
	defer cancel()
	return w.client.StopAndCancel(ctx)
}
