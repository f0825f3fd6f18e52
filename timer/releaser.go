package timer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tidemill/tidemill/task"
)

// Store is where waiting tasks are kept.
type Store interface {
	// Upcoming returns the soonest dues and the store's time.
	Upcoming(ctx context.Context, limit int) (dues []task.Due, nowMs int64, err error)
	// Release makes those of the tasks deliverable that are due, and tells when
	// the next falls due (0: none waits) and the store's time.
	Release(ctx context.Context, ids []task.ID) (released int, nextMs, nowMs int64, err error)
	// Wake waits until something was added that is due before all else, at most
	// d, and reports whether it was.
	Wake(ctx context.Context, d time.Duration) (bool, error)
	// Hold takes or renews a role for a while.
	Hold(ctx context.Context, role, who string, ttl time.Duration) (bool, error)
	// Close ends a Wake that blocks.
	Close() error
}

// Options configure a Releaser. Name is required.
type Options struct {
	Name      string        // of this node, unique
	Heartbeat time.Duration // how often the store is read anyway; default 3 s

	Released func(n int)     // told after each release; may be nil
	Failed   func(err error) // told about errors that are survived; may be nil
}

// Bounds of one read and one release.
const (
	readAhead  = 1024
	maxRelease = 512
)

// Releaser releases what is due in one partition. Several nodes run one each; a
// soft lease lets one of them work, for economy: two that work do no harm.
//
//  1. The wheel holds a prefix of the store's dues: after every release the
//     store names its next due, and when the wheel does not know it, or something
//     earlier is added (Wake), the store is read again.
//  2. Its idea of the store's time is never ahead: it is what the store said,
//     plus what has passed here since the reply arrived.
//  3. When the node pauses for a minute another takes the lease; when it wakes,
//     what it asks to release is either still due or passed over.
type Releaser struct {
	store Store
	opts  Options
	wheel *Wheel[task.ID]
	due   []task.ID // reused

	said int64     // the store's time …
	at   time.Time // … when this was now
}

// NewReleaser returns a releaser that has not started.
func NewReleaser(s Store, o Options) *Releaser {
	if o.Heartbeat <= 0 {
		o.Heartbeat = 3 * time.Second
	}
	return &Releaser{store: s, opts: o, wheel: NewWheel[task.ID](0)}
}

// Run releases until ctx is done and then returns nil.
func (r *Releaser) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { _ = r.store.Close() })()
	for ctx.Err() == nil {
		held, err := r.hold(ctx)
		if held {
			err = r.lead(ctx)
		}
		if err == nil && !held {
			err = r.standBy(ctx)
		}
		if err != nil {
			r.failed(ctx, err)
			r.rest(ctx)
		}
	}
	return nil
}

// grace is how late a task may be before a releaser without the lease releases
// it: the holder is gone, or slow.
const grace = 100 * time.Millisecond

// standBy waits a heartbeat, or less where something falls due before. What is
// overdue by the grace is released without the lease, which its holder may have
// taken to the grave.
func (r *Releaser) standBy(ctx context.Context) error {
	if err := r.read(ctx); err != nil {
		return err
	}
	wait := r.opts.Heartbeat
	if next, ok := r.wheel.Next(); ok {
		late := r.until(next) + grace
		if late <= 0 {
			_, err := r.step(ctx, false)
			return err
		}
		wait = min(wait, late)
	}
	sleep(ctx, wait)
	return nil
}

func (r *Releaser) hold(ctx context.Context) (bool, error) {
	return r.store.Hold(ctx, "releaser", r.opts.Name, 2*r.opts.Heartbeat)
}

// lead works as long as the lease is held.
func (r *Releaser) lead(ctx context.Context) error {
	listening, cancel := context.WithCancel(ctx)
	wake := make(chan struct{}, 1)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { r.listen(ctx, listening, wake) })

	t := time.NewTimer(0)
	defer t.Stop()
	beat := time.Now() // when to read the store and renew the lease
	for beats := 0; ; {
		read := !time.Now().Before(beat)
		if read {
			if held, err := r.hold(ctx); err != nil || !held {
				return err
			}
			beat = time.Now().Add(r.opts.Heartbeat)
			_, some := r.wheel.Next()
			read = some || beats%idleBeats == 0
			beats++
		}
		wait, err := r.step(ctx, read)
		if err != nil {
			return err
		}
		t.Reset(max(0, min(wait, time.Until(beat))))
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		case <-wake:
			if err := r.read(ctx); err != nil {
				return err
			}
		}
	}
}

// idleBeats: where nothing waits, a wake-up tells of the first that does, and every
// third heartbeat is often enough to look for one that got lost.
const idleBeats = 3

// rest waits after an error: a heartbeat, but not long, for what falls due shall not
// be late when the store is back; and not all at once.
func (r *Releaser) rest(ctx context.Context) {
	d := min(r.opts.Heartbeat, 3*time.Second)
	sleep(ctx, d+rand.N(d/4))
}

// listen turns the store's wake-ups into signals, while it leads. What fails when run
// has ended is its end: the store was closed, maybe before the other context knew.
func (r *Releaser) listen(run, leads context.Context, wake chan<- struct{}) {
	for leads.Err() == nil {
		woken, err := r.store.Wake(leads, r.opts.Heartbeat)
		if err != nil && leads.Err() == nil {
			r.failed(run, err)
			r.rest(leads)
		}
		if !woken && err == nil { // after an error look: the wake-up may have been in the reply
			continue
		}
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}

// step releases what is due and returns how long nothing will be.
func (r *Releaser) step(ctx context.Context, read bool) (time.Duration, error) {
	if read {
		if err := r.read(ctx); err != nil {
			return 0, err
		}
	}
	for {
		r.due = r.wheel.Advance(r.now(), r.due[:0])
		if len(r.due) == 0 {
			break
		}
		if err := r.release(ctx, r.due); err != nil {
			return 0, err
		}
	}
	next, ok := r.wheel.Next()
	if !ok {
		return r.opts.Heartbeat, nil
	}
	return r.until(next), nil
}

// until is how long it is to a due time, an hour at most: that of a foreign writer
// may be further away than a Duration can say, and nobody sleeps that long.
func (r *Releaser) until(due int64) time.Duration {
	const hour = int64(time.Hour / time.Millisecond)
	ms := max(-hour, min(due-r.said, hour))
	return time.Duration(ms)*time.Millisecond - time.Since(r.at)
}

// release asks for batches; where the store knows a due that the wheel does
// not, or kept one back, it is read again.
func (r *Releaser) release(ctx context.Context, ids []task.ID) error {
	stale := false
	for len(ids) > 0 {
		n := min(len(ids), maxRelease)
		released, next, now, err := r.store.Release(ctx, ids[:n])
		if err != nil {
			return fmt.Errorf("release due: %w", err)
		}
		r.hear(now)
		if r.opts.Released != nil && released > 0 {
			r.opts.Released(released)
		}
		ids = ids[n:]
		known, ok := r.wheel.Next()
		stale = next != 0 && (released < n || !ok || next < known)
	}
	if stale {
		return r.read(ctx)
	}
	return nil
}

// read fills the wheel with the soonest dues.
func (r *Releaser) read(ctx context.Context) error {
	dues, now, err := r.store.Upcoming(ctx, readAhead)
	if err != nil {
		return fmt.Errorf("read upcoming: %w", err)
	}
	if now < r.wheel.Now() {
		r.wheel = NewWheel[task.ID](now) // the store's clock went back; a wheel does not
	}
	r.hear(now)
	r.wheel.Clear()
	for _, d := range dues {
		r.wheel.Add(d.ID, d.Ms)
	}
	return nil
}

func (r *Releaser) hear(now int64) { r.said, r.at = now, time.Now() }

// now is the store's time as far as it is known here.
func (r *Releaser) now() int64 { return r.said + time.Since(r.at).Milliseconds() }

func (r *Releaser) failed(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil && r.opts.Failed != nil {
		r.opts.Failed(err)
	}
}

// sleep waits, or reports false when ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
