package streams

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/task"
)

// Node is what a node says of itself. For people alone: nothing depends on it.
type Node struct {
	Name    string             `json:"name"`
	Host    string             `json:"host"`
	PID     int                `json:"pid"`
	Started time.Time          `json:"started"`
	Queues  map[task.Queue]int `json:"queues"` // concurrency
	Running int                `json:"running"`
	Holds   []string           `json:"consumers,omitempty"` // its consumers' names
}

// Announce shows a node to the others for a while.
func (l *Log) Announce(ctx context.Context, n Node, ttl time.Duration) error {
	body, err := json.Marshal(n)
	if err != nil {
		return err
	}
	ks := []string{keys.Nodes(l.ns), keys.Node(l.ns, n.Name)}
	if _, err := announceScript.run(ctx, l.db, ks, []any{n.Name, body, ttl.Milliseconds()}); err != nil {
		return fmt.Errorf("announce: %w", mapError(err))
	}
	return nil
}

// Withdraw takes a node off the list.
func (l *Log) Withdraw(ctx context.Context, name string) error {
	pipe := l.db.Pipeline()
	pipe.Del(ctx, keys.Node(l.ns, name))
	pipe.ZRem(ctx, keys.Nodes(l.ns), name)
	_, err := pipe.Exec(ctx)
	return mapError(err)
}

// Nodes lists the nodes that are alive, or were a moment ago, by name.
func (r *Reader) Nodes(ctx context.Context) ([]Node, error) {
	l := r.log
	names, err := l.db.ZRange(ctx, keys.Nodes(l.ns), 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("list nodes: %w", mapError(err))
	}
	slices.Sort(names)
	var nodes []Node
	for _, name := range names {
		body, err := l.db.Get(ctx, keys.Node(l.ns, name)).Bytes()
		if errors.Is(err, redis.Nil) {
			continue
		}
		var n Node
		if err == nil {
			err = json.Unmarshal(body, &n)
		}
		if err != nil {
			return nil, fmt.Errorf("node %s: %w", name, mapError(err))
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// Consumers lists the consumers of a queue with what they hold.
func (r *Reader) Consumers(ctx context.Context, q task.Queue) (map[string]int64, error) {
	ps, err := r.log.partitions(ctx, q, false)
	if err != nil {
		return nil, err
	}
	held := map[string]int64{}
	for _, p := range ps {
		records, err := p.log.db.HKeys(ctx, p.Members).Result()
		if err != nil {
			return nil, mapError(err)
		}
		for _, name := range records {
			held[name] += 0
		}
		all, err := p.consumers(ctx)
		if err != nil {
			return nil, err
		}
		for _, c := range all {
			held[c.Name] += c.Pending
		}
	}
	return held, nil
}
