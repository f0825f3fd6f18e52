package replay

import (
	"cmp"
	"context"
	"fmt"
	"iter"

	"github.com/tidemill/tidemill/task"
)

// Select reads the events that a filter asks for, as they stand in the log, over
// all partitions: by time, and in each partition in the order of the log.
//
// It goes on where the cursor stands, and moves it along: when the loop ends,
// however it ends, the cursor says what was read, the last event of the loop
// included. Nil begins at the start and keeps no account. Errors also:
// [ErrInvalidCursor], [task.ErrInvalidOption], and [task.ErrNotFound] for a queue
// that is not there.
func Select(ctx context.Context, src Source, f Filter, from Cursor) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		feeds, err := f.feeds(ctx, src, from, f.asksTask())
		if err != nil {
			yield(task.Event{}, fmt.Errorf("select: %w", err))
			return
		}
		for e, err := range merge(ctx, feeds) {
			if err != nil {
				yield(task.Event{}, fmt.Errorf("select: %w", err))
				return
			}
			if from.pass(e.feed.label, &e.raw); !yield(e.raw, nil) {
				return
			}
		}
	}
}

// feeds makes a feed of each partition that is asked for.
func (f *Filter) feeds(ctx context.Context, src Source, from Cursor, track bool) ([]*feed, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	all, err := parts(ctx, src)
	if err == nil {
		err = from.check(all)
	}
	if err != nil {
		return nil, err
	}
	ps, err := parts(ctx, src, f.Queues...)
	if err != nil {
		return nil, err
	}
	feeds := make([]*feed, len(ps))
	for i, p := range ps {
		feeds[i] = &feed{part: p, label: p.name(), filter: f, cursor: from}
		if track {
			feeds[i].tracker = newTracker(p)
		}
	}
	return feeds, nil
}

// merge yields what the feeds find, the earliest first. A feed is asked for its
// next event only when the one before was dealt with.
func merge(ctx context.Context, feeds []*feed) iter.Seq2[found, error] {
	return func(yield func(found, error) bool) {
		var heads []head
		for _, f := range feeds {
			h := head{}
			h.next, h.stop = iter.Pull2(f.read(ctx))
			defer h.stop()
			if h.advance() {
				heads = append(heads, h)
			}
		}
		for len(heads) > 0 {
			i := earliest(heads)
			if !yield(heads[i].found, heads[i].err) || heads[i].err != nil {
				return
			}
			if !heads[i].advance() {
				heads = append(heads[:i], heads[i+1:]...)
			}
		}
	}
}

// head is the next event of a feed.
type head struct {
	found
	err  error
	next func() (found, error, bool)
	stop func()
}

func (h *head) advance() (ok bool) {
	h.found, h.err, ok = h.next()
	return ok
}

// earliest is the head that comes next: an error at once. Partitions have a clock
// each, so at one time the first in order of names comes first.
func earliest(heads []head) int {
	least := 0
	for i := range heads {
		if heads[i].err != nil {
			return i
		}
		if cmp.Less(heads[i].raw.At.Ms, heads[least].raw.At.Ms) {
			least = i
		}
	}
	return least
}
