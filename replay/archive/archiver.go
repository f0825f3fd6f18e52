package archive

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// Log is the live log that is archived. [Of] makes one of a streams.Log.
type Log interface {
	Queues(ctx context.Context) (map[task.Queue]int, error)
	Feed(ctx context.Context, q task.Queue, n int) (Feed, error)
}

// Feed is one partition of it.
type Feed interface {
	Number() task.Partition
	Page(ctx context.Context, after task.Position) (task.Page, error)
	Spare(ctx context.Context, cursor string, at task.Position) error
	Hold(ctx context.Context, role, who string, ttl time.Duration) (bool, error)
}

// log is what a Log is made of; F is the type of its feeds.
type log[F Feed] interface {
	Queues(ctx context.Context) (map[task.Queue]int, error)
	Feed(ctx context.Context, q task.Queue, n int) (F, error)
}

// Of makes a Log of one whose feeds have a type of their own.
func Of[F Feed](l log[F]) Log { return adapter[F]{l} }

type adapter[F Feed] struct{ log[F] }

func (a adapter[F]) Feed(ctx context.Context, q task.Queue, n int) (Feed, error) {
	return a.log.Feed(ctx, q, n)
}

// Options of an [Archiver].
type Options struct {
	Namespace string        // of the log; an archive holds one
	Every     time.Duration // how old an entry may grow before it is written; default 10 s
	Who       string        // holder of the leases; default random
	Failed    func(error)   // told of what is tried again
}

// Role is the soft lease that one archiver of a partition holds, and the name of
// the cursor by which trim knows what is not archived yet.
const Role = "archive"

// leaseFor is how long an archiver that has died keeps others away.
const leaseFor = 15 * time.Second

// Archiver copies a log into a bucket, segment by segment.
//
//   - It may die at any point: the manifest, written last, makes a segment part of
//     the archive, and the next archiver goes on behind the last manifest.
//   - Two at once, because one stood still for longer than its lease: the manifest's
//     name is how many entries are before it and is put only where there is none, so
//     one wins and the other throws its copy away and goes on behind it, also when
//     they read two lives of the log.
//   - A lost reply of a put looks like a lost race, and ends the same.
//   - What Redis forgot in a failover stays in the archive; the segment that begins
//     the next life says where the last one was cut, and readers leave the rest out.
//   - Trim spares what is behind the cursor, and the cursor moves after the manifest
//     is safe. A bucket that fails stops the cursor, not the queue; so does a
//     damaged manifest, or a damaged last segment, that an archiver begins behind.
type Archiver struct {
	log    Log
	bucket replay.Bucket
	opts   Options
	ours   atomic.Bool // the bucket has a manifest of this namespace: Check need not look again

	snapshots int64 // events between two of them
}

// New makes an archiver.
func New(log Log, bucket replay.Bucket, o Options) *Archiver {
	if o.Every <= 0 {
		o.Every = 10 * time.Second
	}
	if o.Who == "" {
		o.Who = token()
	}
	if o.Failed == nil {
		o.Failed = func(error) {}
	}
	return &Archiver{log: log, bucket: bucket, opts: o, snapshots: snapshotEvery}
}

// Run archives until ctx ends. New queues are found while it runs.
func (a *Archiver) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	running := map[string]bool{}
	t := time.NewTicker(a.opts.Every)
	defer t.Stop()
	for {
		queues, err := a.log.Queues(ctx)
		if err != nil && ctx.Err() == nil {
			a.opts.Failed(fmt.Errorf("archive: %w", err))
		}
		for q, n := range queues {
			for i := range n {
				if key := folder(q, i); !running[key] {
					running[key] = true
					g.Go(func() error { return a.follow(ctx, q, i) })
				}
			}
		}
		select {
		case <-ctx.Done():
			return ignoreEnd(g.Wait())
		case <-t.C:
		}
	}
}

// lastWords bounds what Keep does after its end.
const lastWords = 10 * time.Second

// Keep is Run that signs every so often. When ctx ends it archives and signs what came
// since.
func (a *Archiver) Keep(ctx context.Context, every time.Duration, sign func(context.Context) error) error {
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case err := <-done:
			if err != nil {
				return err
			}
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
			defer cancel()
			if err := a.Once(last); err != nil {
				return err
			}
			return sign(last)
		case <-t.C:
			if err := sign(ctx); err != nil && ctx.Err() == nil {
				a.opts.Failed(err)
			}
		}
	}
}

func ignoreEnd(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Once archives what the log holds now, and returns. It waits for no lease: two at
// once do no harm.
func (a *Archiver) Once(ctx context.Context) error {
	queues, err := a.log.Queues(ctx)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	for q, n := range queues {
		for i := range n {
			w, err := a.open(ctx, q, i)
			if err != nil {
				return err
			}
			if err := w.catchUp(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// follow archives one partition, while it holds the lease of it.
func (a *Archiver) follow(ctx context.Context, q task.Queue, n int) error {
	var w *writer
	for ctx.Err() == nil {
		held, err := false, error(nil)
		if w == nil {
			w, err = a.open(ctx, q, n)
		}
		if err == nil {
			held, err = w.feed.Hold(ctx, Role, a.opts.Who, max(leaseFor, 2*a.opts.Every))
		}
		if err == nil && held {
			err = w.catchUp(ctx)
		}
		if err != nil && ctx.Err() == nil {
			a.opts.Failed(err)
		}
		if err != nil || !held {
			w = nil // another may write meanwhile: begin behind what is there
		}
		if !pause(ctx, a.opts.Every) {
			break
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
