package bench

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/replay/archive"
	"github.com/tidemill/tidemill/task"
)

// A user's Redis may hold a billion keys. It is scanned once, before a run, and again
// behind one that may not track its sessions. What a run leaves is else found by
// name, from the registry and from the clock of each partition.

// scanCount is how many keys a SCAN looks at a call: the server is busy for less
// than a millisecond.
const scanCount = 1000

// maxParts bounds the numbers of partitions that a run makes.
const maxParts = 8

// floorPartition is where the floor has its stream: not of any queue.
func floorPartition(ns string) *keys.Partition { return keys.New(ns, "floor", 0) }

// refuse a namespace that has any key, whoever made it.
func refuse(ctx context.Context, db *redis.Client, ns string) error {
	it := db.Scan(ctx, 0, keys.Pattern(ns), scanCount).Iterator()
	if it.Next(ctx) {
		return fmt.Errorf("%w: %s has the key %q", ErrNotEmpty, ns, it.Val())
	}
	if err := it.Err(); err != nil {
		return fmt.Errorf("look for keys of %s: %w", ns, err)
	}
	return nil
}

// sweep removes the sessions of the producers of a run that was not told of them. All
// that is in the namespace is the run's, for it was empty before.
func sweep(ctx context.Context, db *redis.Client, ns string) error {
	var names []string
	it := db.Scan(ctx, 0, keys.Pattern(ns), scanCount).Iterator()
	for it.Next(ctx) {
		if slices.ContainsFunc(possible(ns), func(p *keys.Partition) bool { return strings.HasPrefix(it.Val(), p.Producer("")) }) {
			names = append(names, it.Val())
		}
	}
	err := it.Err()
	if err == nil && len(names) > 0 {
		err = db.Unlink(ctx, names...).Err()
	}
	if err != nil {
		return fmt.Errorf("clean: %w", err)
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
