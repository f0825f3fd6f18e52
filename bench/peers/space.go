package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

// probeSpace is what a backlog adds to the memory of Redis, or to the table, a
// task. All but our own connection are closed when it is read: what clients
// take is not counted, nor are the fixed keys, which come with a first task.
func probeSpace(ctx context.Context, p *peer, w *world) (figures, error) {
	if err := p.put(ctx, w, 1); err != nil {
		return nil, err
	}
	before, err := w.used(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.put(ctx, w, w.tasks); err != nil {
		return nil, err
	}
	after, err := w.used(ctx)
	return figures{"bytes": float64(after-before) / float64(w.tasks)}, err
}

// put enqueues n tasks and disconnects.
func (p *peer) put(ctx context.Context, w *world, n int) error {
	if p.driver != nil {
		_, err := p.driver.run(ctx, w, n)
		return err
	}
	q, err := p.open(ctx, w)
	if err != nil {
		return err
	}
	return errors.Join(fill(ctx, q, n), q.close())
}

// used is used_memory of Redis, or the size of the table and its indexes.
func (w *world) used(ctx context.Context) (int64, error) {
	if w.db != nil {
		return w.db.used(ctx)
	}
	if err := poll(ctx, func() (bool, error) {
		n, err := w.info(ctx, "clients", "connected_clients")
		return n == 1, err
	}); err != nil {
		return 0, err
	}
	return w.info(ctx, "memory", "used_memory")
}

// info is a number that Redis tells of itself.
func (w *world) info(ctx context.Context, section, field string) (int64, error) {
	all, err := w.redis.InfoMap(ctx, section).Result()
	if err != nil {
		return 0, fmt.Errorf("info %s: %w", section, err)
	}
	for _, fields := range all { // one section, whose name begins with a capital
		return strconv.ParseInt(fields[field], 10, 64)
	}
	return 0, fmt.Errorf("info %s: no answer", section)
}
