package streams

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/task"
)

// ErrNotEmpty: the namespace to restore into holds something.
var ErrNotEmpty = errors.New("namespace is not empty")

// ErrHalfRestored is the ErrNotEmpty of a namespace that a restore has begun to
// write and not ended.
var ErrHalfRestored = fmt.Errorf("%w: a restore into it has not ended", ErrNotEmpty)

// Past is one partition as it was: its number in the registry, which task ids hold,
// and all entries of its log up to the moment.
type Past struct {
	Queue   task.Queue
	Number  task.Partition
	Entries iter.Seq2[task.Entry, error]
}

// Restore writes queues into a namespace, all in one call, because it must be empty:
// their logs, with the addresses they had, and what the logs say was waiting and
// dead. The partitions of a queue are those of its name, in order. A queue has no
// group: whoever opens it first begins a new epoch and rebuilds the group from the
// log, and nodes take over what was ready or running at once, as from a consumer
// that died.
//
//  1. Nothing is written into a namespace that has a queue or a key of one:
//     [ErrNotEmpty]. Two restores at a time do not mix: the second is refused.
//  2. The queues are registered at the end, all or none. A restore that stops
//     before leaves keys that no node reads, and a namespace that the next one
//     refuses with [ErrHalfRestored]: take another.
//     After a lost reply of the last call it may be registered: see [Log.Queues].
//  3. A queue that a node registers meanwhile shares no key with what is restored.
//     Then none of it is registered: [ErrNotEmpty].
//
// Idempotency keys are not restored. What was open then and was redacted since has
// nothing to run with: it is cancelled, by "restore".
func (l *Log) Restore(ctx context.Context, pasts []Past) error {
	reg, err := registration(pasts)
	if err == nil {
		err = l.vacant(ctx)
	}
	if err == nil {
		err = l.claim(ctx, reg[:1])
	}
	if err != nil {
		return fmt.Errorf("restore into %s: %w", l.ns, err)
	}
	for _, past := range pasts {
		p := &partition{Partition: keys.New(l.ns, past.Queue, past.Number), log: l}
		if err := newRestoring(p).run(ctx, past.Entries); err != nil {
			return fmt.Errorf("restore partition %d, of %s: %w", past.Number, past.Queue, err)
		}
	}
	if err := l.claim(ctx, reg); err != nil {
		return fmt.Errorf("register what was restored into %s: %w", l.ns, err)
	}
	return nil
}

// registration is what the restore script is asked with: the number behind all, and
// each queue with its numbers. It refuses what the registry could not hold.
func registration(pasts []Past) ([]any, error) {
	next, at, taken := 0, map[task.Queue]int{}, map[task.Partition]bool{}
	args := []any{""}
	for _, p := range pasts {
		if err := task.ValidName("queue", string(p.Queue)); err != nil {
			return nil, err
		}
		if taken[p.Number] {
			return nil, fmt.Errorf("%w: two partitions of number %d", task.ErrInvalidOption, p.Number)
		}
		taken[p.Number], next = true, max(next, int(p.Number)+1)
		number := strconv.Itoa(int(p.Number))
		if i, ok := at[p.Queue]; ok {
			args[i] = args[i].(string) + "," + number
			continue
		}
		at[p.Queue] = len(args) + 1
		args = append(args, string(p.Queue), number)
	}
	if len(pasts) == 0 {
		return nil, fmt.Errorf("%w: nothing to restore", task.ErrInvalidOption)
	}
	args[0] = strconv.Itoa(next)
	return args, nil
}

// claim asks the restore script.
func (l *Log) claim(ctx context.Context, args []any) error {
	v, err := restoreScript.run(ctx, l.db, []string{keys.Registry(l.ns)}, args)
	if err == nil && v != int64(1) {
		err = ErrNotEmpty
	}
	return mapError(err)
}

// vacant looks into the registry, and for keys of queues that it does not know.
func (l *Log) vacant(ctx context.Context) error {
	held, err := l.db.HKeys(ctx, keys.Registry(l.ns)).Result()
	if err != nil {
		return mapError(err)
	}
	for _, q := range held {
		if q != "#next" {
			return fmt.Errorf("%w: it has the queue %s", ErrNotEmpty, q)
		}
	}
	if len(held) > 0 {
		return ErrHalfRestored
	}
	key, err := l.anyKey(ctx, keys.Pattern(l.ns))
	if err == nil && key != "" {
		err = fmt.Errorf("%w: it has the key %s", ErrNotEmpty, key)
	}
	return err
}

// anyKey finds a key that matches, if there is one.
func (l *Log) anyKey(ctx context.Context, pattern string) (string, error) {
	found := make(chan string, 1)
	look := func(ctx context.Context, c redis.UniversalClient) error {
		it := c.Scan(ctx, 0, pattern, 1000).Iterator()
		if it.Next(ctx) {
			select {
			case found <- it.Val():
			default: // another master has one, too
			}
		}
		return it.Err()
	}
	var err error
	if cc, ok := l.db.(*redis.ClusterClient); ok {
		err = cc.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error { return look(ctx, c) })
	} else {
		err = look(ctx, l.db)
	}
	select {
	case key := <-found:
		return key, mapError(err)
	default:
		return "", mapError(err)
	}
}
