package bench

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/replay/archive"
	"github.com/tidemill/tidemill/task"
)

// A user's Redis is never scanned: it may hold a billion keys. What a run leaves
// is found by name, from the registry and from the clock of each partition.

// maxParts bounds the numbers of partitions that a run makes.
const maxParts = 8

// floorPartition is where the floor has its stream: not of any queue.
func floorPartition(ns string) *keys.Partition { return keys.New(ns, "floor", 0) }

// refuse a namespace that has any of the keys a run would make.
func refuse(ctx context.Context, db *redis.Client, ns string) error {
	names := append(ofPartition(floorPartition(ns)), keys.Registry(ns), keys.Nodes(ns))
	for _, p := range possible(ns) {
		names = append(names, ofPartition(p)...)
		names = append(names, p.Chunk(0))
	}
	n, err := db.Exists(ctx, names...).Result()
	if err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("%w: %s", ErrNotEmpty, ns)
	}
	return nil
}

// possible partitions: a run's queues get numbers as they come.
func possible(ns string) []*keys.Partition {
	var ps []*keys.Partition
	for _, q := range queueNames(maxQueues) {
		for n := range maxParts {
			ps = append(ps, keys.New(ns, task.Queue(q), task.Partition(n)))
		}
	}
	return ps
}

// remove deletes the keys of the namespace.
func (s *server) remove(ctx context.Context, ns string) error {
	names := append(ofPartition(floorPartition(ns)), keys.Registry(ns), keys.Nodes(ns))
	nodes, err := s.db.ZRange(ctx, keys.Nodes(ns), 0, -1).Result()
	if err != nil {
		return fmt.Errorf("clean: %w", err)
	}
	for _, n := range nodes {
		names = append(names, keys.Node(ns, n))
	}
	parts, err := registered(ctx, s.db, ns)
	if err != nil {
		return fmt.Errorf("clean: %w", err)
	}
	for _, p := range parts {
		chunks, err := chunksOf(ctx, s.db, p)
		if err != nil {
			return fmt.Errorf("clean: %w", err)
		}
		names = append(names, ofPartition(p)...)
		names = append(names, chunks...)
	}
	names = append(names, s.seen.take(ctx)...)
	if err := s.db.Unlink(ctx, names...).Err(); err != nil {
		return fmt.Errorf("clean: %w", err)
	}
	_, err = s.used(ctx) // what comes next does not run beside the freeing
	return err
}

// registered lists the partitions that the registry has.
func registered(ctx context.Context, db *redis.Client, ns string) ([]*keys.Partition, error) {
	all, err := db.HGetAll(ctx, keys.Registry(ns)).Result()
	if err != nil {
		return nil, err
	}
	var ps []*keys.Partition
	for q, numbers := range all {
		if strings.HasPrefix(q, "#") { // not a queue
			continue
		}
		for s := range strings.SplitSeq(numbers, ",") {
			n, err := strconv.ParseUint(s, 10, 16)
			if err != nil {
				return nil, fmt.Errorf("registry of %s: number %q", q, s)
			}
			ps = append(ps, keys.New(ns, task.Queue(q), task.Partition(n)))
		}
	}
	return ps, nil
}

// ofPartition names what a partition has one of. Roles are those of the engine, and
// of the archiver that one scenario runs.
func ofPartition(p *keys.Partition) []string {
	return []string{
		p.Tasks, p.Events, p.Waiting, p.Copies, p.Meta, p.Members, p.Cancels, p.Dead, p.Graves, p.Cursors, p.Wake,
		p.Role("releaser"), p.Role("trimmer"), p.Role(archive.Role),
	}
}

// chunksOf names the index chunks up to the clock of the partition.
func chunksOf(ctx context.Context, db *redis.Client, p *keys.Partition) ([]string, error) {
	clock, err := db.HMGet(ctx, p.Meta, "chunk", "lsn").Result()
	if err != nil {
		return nil, err
	}
	number := func(v any) int64 {
		s, _ := v.(string)
		n, _ := strconv.ParseInt(s, 10, 64)
		return n
	}
	var names []string
	for lsn := number(clock[0]) * keys.ChunkSlots; lsn <= number(clock[1]); lsn += keys.ChunkSlots {
		names = append(names, p.Chunk(lsn))
	}
	return names, nil
}
