package main

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/redisproc"
)

// world is what one round of one peer gets: a server that nobody used before.
type world struct {
	scenario scenario
	size     size
	tasks    int

	url   string // of a Redis on 127.0.0.1, or of a PostgreSQL database
	redis *redis.Client
	proc  *redisproc.Proc
	db    *database
}

// poolSize of every Go client: more than the 64 callers need.
const poolSize = 128

// newWorld starts a Redis, or makes a database on the cluster of this run.
func newWorld(ctx context.Context, p *peer, s scenario, z size, pg *cluster) (*world, error) {
	w := &world{scenario: s, size: z, tasks: z.tasks(s, p.scale)}
	if p.store == onPostgres {
		var err error
		if w.db, err = pg.database(ctx); err != nil {
			return nil, err
		}
		w.url = w.db.url
		return w, nil
	}
	args := []string{"--databases", "1"}
	if s.AOF {
		args = append(args, "--appendonly", "yes", "--appendfsync", "everysec")
	}
	var err error
	if w.proc, err = redisproc.Start(ctx, redisproc.Options{TCP: true, Args: args}); err != nil {
		return nil, err
	}
	w.url = w.proc.URL()
	if w.redis, err = connect(w.url); err != nil {
		return nil, errors.Join(err, w.proc.Stop())
	}
	return w, nil
}

// connect makes a plain client: RESP2, no retries, enough connections.
func connect(url string) (*redis.Client, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	o.Protocol, o.PoolSize, o.MaxRetries = 2, poolSize, -1
	return redis.NewClient(o), nil
}

func (w *world) close(ctx context.Context) error {
	if w.db != nil {
		return w.db.drop(ctx)
	}
	return errors.Join(w.redis.Close(), w.proc.Stop())
}
