package witness

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Pace of the witness.
const (
	every      = 50 * time.Millisecond
	registerOf = 20              // rounds between two looks at the registry
	patience   = 3 * time.Second // for one round; a server that is away fails sooner
)

// Witness follows one namespace.
type Witness struct {
	client redis.UniversalClient
	keys   space
	dir    string
	stop   context.CancelFunc
	done   sync.WaitGroup

	parts map[int]*partition // of the goroutine, until it was joined
	seen  atomic.Int64

	mu   sync.Mutex
	fail error // of writing files: the run is worth nothing without them
	last error // of asking Redis, most recently; nil once it answers
}

// Follow starts to follow a namespace, until Stop or Finish. Files go to dir.
func Follow(ctx context.Context, client redis.UniversalClient, namespace, dir string) (*Witness, error) {
	w := &Witness{client: client, keys: newSpace(namespace), dir: dir, parts: map[int]*partition{}}
	if err := w.register(ctx); err != nil {
		return nil, fmt.Errorf("follow %s: %w", namespace, err)
	}
	ctx, w.stop = context.WithCancel(ctx)
	w.done.Go(func() { w.run(ctx) })
	return w, nil
}

// Stop ends the following and waits for it. Nothing is lost: Finish reads what
// is new.
func (w *Witness) Stop() {
	w.stop()
	w.done.Wait()
}

// Err is why the witness sees nothing at the moment, or why it could not write.
func (w *Witness) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		return w.fail
	}
	return w.last
}

// Seen is how many entries were seen so far.
func (w *Witness) Seen() int64 { return w.seen.Load() }

func (w *Witness) run(ctx context.Context) {
	t := time.NewTicker(every)
	defer t.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		w.round(ctx, n%registerOf == 0)
	}
}

// round reads what is new everywhere. What fails is asked again with the next.
func (w *Witness) round(ctx context.Context, register bool) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last error
	if register {
		last = w.register(ctx)
	}
	for _, p := range w.partitions() {
		if err := w.read(ctx, p); err != nil {
			last = err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = last
}

// read brings one partition up to date, writes it down and moves the cursor.
func (w *Witness) read(ctx context.Context, p *partition) error {
	err := p.follow(ctx, w.client)
	w.seen.Add(int64(len(p.fresh)))
	if e := p.flush(); e != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.fail = cmp.Or(w.fail, e)
		return e
	}
	if err != nil {
		return err
	}
	return p.advance(ctx, w.client)
}

func (w *Witness) partitions() []*partition {
	return slices.SortedFunc(maps.Values(w.parts), func(a, b *partition) int { return a.number - b.number })
}

// register looks for partitions that are new. One that is gone from the registry,
// after a flush, is followed on: it was there.
func (w *Witness) register(ctx context.Context) error {
	queues, err := w.client.HGetAll(ctx, w.keys.registry()).Result()
	if err != nil {
		return fmt.Errorf("read registry: %w", err)
	}
	for queue, numbers := range queues {
		if strings.HasPrefix(queue, "#") {
			continue
		}
		for word := range strings.SplitSeq(numbers, ",") {
			n, err := strconv.Atoi(word)
			if err != nil {
				return fmt.Errorf("registry: queue %s has partition %q", queue, word)
			}
			if w.parts[n] == nil {
				w.parts[n] = newPartition(queue, n, w.keys.prefix(queue, n), w.dir)
			}
		}
	}
	return nil
}
