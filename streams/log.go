package streams

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/task"
)

// Options configure a Log. The zero value is ready to use.
type Options struct {
	// Namespace keeps several Tidemills apart on one Redis. Default "default".
	Namespace string
	// TLS overrides what the URL says. Default: rediss:// verifies.
	TLS *tls.Config
	// Partitions of a queue when it is first seen. Default 1, 8 on Cluster.
	Partitions int
	// PoolSize is the number of connections for calls that do not block. Default 16.
	PoolSize int
	// Version of the program, which the names of its consumers tell. Default: none.
	Version string
	// Host the program runs on, which the names of its consumers tell. Default: none.
	Host string
	// Rewound is told when Redis lost what it had acknowledged. Default: nobody.
	Rewound func(Rewind)
}

// Log is the write side of a namespace: every method is one transition, made by
// one Lua script, which may be asked twice (see the package comment). Safe for
// concurrent use.
type Log struct {
	opts   Options
	ns     string
	target *target
	db     redis.UniversalClient

	mu     sync.Mutex
	queues map[task.Queue][]*partition
	byNum  map[task.Partition]*partition
	next   atomic.Uint64 // round robin of batches
	closed atomic.Bool
	pinned redis.UniversalClient // for calls that WAIT; nil before the first
}

// partition is one partition as this process knows it.
type partition struct {
	*keys.Partition
	log   *Log
	roads map[laneKind]*road

	mu    sync.Mutex
	known clock
	mends sync.Mutex // one epoch call at a time
}

// clock is the highest this process has seen of a partition's log; the epoch
// script goes beyond it.
type clock struct {
	epoch, ms, lsn int64
}

// New returns a Log on the Redis at url. It does not connect; see [Log.Preflight].
func New(url string, o Options) (*Log, error) {
	if o.Namespace == "" {
		o.Namespace = "default"
	}
	if err := task.ValidName("namespace", o.Namespace); err != nil {
		return nil, err
	}
	t, err := parse(url, o.TLS)
	if err != nil {
		return nil, err
	}
	if o.Partitions == 0 {
		o.Partitions = 1
		if t.cluster {
			o.Partitions = 8
		}
	}
	if o.PoolSize == 0 {
		o.PoolSize = 16
	}
	l := &Log{opts: o, ns: o.Namespace, target: t, queues: map[task.Queue][]*partition{}, byNum: map[task.Partition]*partition{}}
	l.db = t.client(o.PoolSize)
	return l, nil
}

// Close ends all connections. After it every method says [task.ErrClosed].
func (l *Log) Close() error {
	if l.closed.Swap(true) {
		return nil
	}
	err := l.db.Close()
	l.mu.Lock()
	if l.pinned != nil {
		err = errors.Join(err, l.pinned.Close())
	}
	l.mu.Unlock()
	return errors.Join(err, l.target.close())
}

// InMemory reports whether the log lives in this process alone (mem://).
func (l *Log) InMemory() bool { return l.target.memory }

// Register makes a queue known and returns the number of its partitions. A
// queue has the partitions it was first registered with. Errors:
// [task.ErrUnavailable] when Redis has not answered for 5 s, [task.ErrInvalidName].
func (l *Log) Register(ctx context.Context, q task.Queue) (int, error) {
	ps, err := l.partitions(ctx, q, true)
	return len(ps), err
}

// partitions looks a queue up, registering it where create is set.
func (l *Log) partitions(ctx context.Context, q task.Queue, create bool) ([]*partition, error) {
	if l.closed.Load() {
		return nil, task.ErrClosed
	}
	l.mu.Lock()
	ps := l.queues[q]
	l.mu.Unlock()
	if ps != nil {
		return ps, nil
	}
	if err := task.ValidName("queue", string(q)); err != nil {
		return nil, err
	}
	want := 0
	if create {
		want = l.opts.Partitions
	}
	numbers, err := l.register(ctx, q, want)
	if err != nil {
		return nil, fmt.Errorf("register queue %s: %w", q, err)
	}
	if numbers == "" {
		return nil, fmt.Errorf("queue %s: %w", q, task.ErrNotFound)
	}
	return l.remember(q, numbers)
}

// register asks the registry, as long as a batch would be asked for.
func (l *Log) register(ctx context.Context, q task.Queue, want int) (string, error) {
	limited, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	s := registerScript
	if want == 0 {
		s = lookUpScript
	}
	for try := 0; ; try++ {
		v, err := s.run(limited, l.db, []string{keys.Registry(l.ns)}, []any{string(q), want})
		if err == nil {
			s, _ := v.(string)
			return s, nil
		}
		if err = mapError(err); transient(err) && pause(limited, try) {
			continue
		}
		if transient(err) && ctx.Err() == nil && !errors.Is(err, task.ErrUnavailable) {
			err = fmt.Errorf("%w: %w", task.ErrUnavailable, err) // a time of ours ran out
		}
		return "", err
	}
}

// restore puts a queue that this process knows back into a registry that was
// flushed, so that all go on with the same partitions.
func (l *Log) restore(ctx context.Context, q task.Queue) {
	l.mu.Lock()
	var numbers []string
	for _, p := range l.queues[q] {
		numbers = append(numbers, strconv.Itoa(int(p.Number)))
	}
	l.mu.Unlock()
	// An error is left to the next call that asks the registry.
	_, _ = registerScript.run(ctx, l.db, []string{keys.Registry(l.ns)}, []any{string(q), 0, strings.Join(numbers, ",")})
}

// remember makes the partitions of a queue from the registry's numbers.
func (l *Log) remember(q task.Queue, numbers string) ([]*partition, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ps := l.queues[q]; ps != nil {
		return ps, nil
	}
	var ps []*partition
	for s := range strings.SplitSeq(numbers, ",") {
		n, err := strconv.ParseUint(s, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("registry of %s: number %q", q, s)
		}
		p := &partition{Partition: keys.New(l.ns, q, task.Partition(n)), log: l}
		p.roads = newRoads(p)
		ps = append(ps, p)
		l.byNum[p.Number] = p
	}
	l.queues[q] = ps
	return ps, nil
}

// Queues lists the registered queues with the number of their partitions.
func (l *Log) Queues(ctx context.Context) (map[task.Queue]int, error) {
	all, err := l.db.HGetAll(ctx, keys.Registry(l.ns)).Result()
	if err != nil {
		return nil, fmt.Errorf("list queues: %w", mapError(err))
	}
	out := map[task.Queue]int{}
	for q, numbers := range all {
		if q == "#next" {
			continue
		}
		ps, err := l.remember(task.Queue(q), numbers)
		if err != nil {
			return nil, err
		}
		out[task.Queue(q)] = len(ps)
	}
	return out, nil
}

// byID finds the partition a task lives in.
func (l *Log) byID(ctx context.Context, id task.ID) (*partition, error) {
	if l.closed.Load() {
		return nil, task.ErrClosed
	}
	l.mu.Lock()
	p := l.byNum[id.Partition()]
	l.mu.Unlock()
	if p != nil {
		return p, nil
	}
	if _, err := l.Queues(ctx); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if p = l.byNum[id.Partition()]; p == nil {
		return nil, fmt.Errorf("task %s: %w", id, task.ErrNotFound)
	}
	return p, nil
}

// pick chooses a partition: by the idempotency key, so that equal keys meet,
// else in turn.
func (l *Log) pick(ps []*partition, key string) *partition {
	if len(ps) == 1 {
		return ps[0]
	}
	if key == "" {
		return ps[l.next.Add(1)%uint64(len(ps))]
	}
	h := fnv.New32a()
	h.Write([]byte(key))
	return ps[h.Sum32()%uint32(len(ps))]
}

// saw remembers the highest clock that was acknowledged.
func (p *partition) saw(c clock) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known.epoch, p.known.ms, p.known.lsn = max(p.known.epoch, c.epoch), max(p.known.ms, c.ms), max(p.known.lsn, c.lsn)
}

// newName makes a name nobody else has: of a producer, a consumer, a node.
func newName() string { return ulid.MustNew(ulid.Timestamp(time.Now()), rand.Reader).String() }

func parseInt(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}
