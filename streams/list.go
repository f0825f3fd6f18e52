package streams

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/task"
)

// Filter narrows a listing. Zero fields do not.
type Filter struct {
	Queue task.Queue
	Type  task.Type
	Limit int // 0: no limit
}

// Dead lists dead tasks, the oldest first, a partition after the other.
func (r *Reader) Dead(ctx context.Context, f Filter) iter.Seq2[task.Status, error] {
	return r.list(ctx, f, (*partition).deadPage)
}

// Waiting lists waiting tasks, the soonest first, a partition after the other.
func (r *Reader) Waiting(ctx context.Context, f Filter) iter.Seq2[task.Status, error] {
	return r.list(ctx, f, (*partition).waitingPage)
}

// Running lists what consumers hold, the oldest delivery first.
func (r *Reader) Running(ctx context.Context, f Filter) iter.Seq2[task.Status, error] {
	return r.list(ctx, f, (*partition).runningPage)
}

// pageFunc reads a page of a listing from a cursor; an empty cursor begins, and
// an empty next one ends.
type pageFunc func(p *partition, ctx context.Context, cursor string) (page []task.Status, next string, err error)

func (r *Reader) list(ctx context.Context, f Filter, page pageFunc) iter.Seq2[task.Status, error] {
	return func(yield func(task.Status, error) bool) {
		ps, err := r.match(ctx, f.Queue)
		if err != nil {
			yield(task.Status{}, err)
			return
		}
		left := f.Limit
		for _, p := range ps {
			if !p.each(ctx, f, page, &left, yield) {
				return
			}
		}
	}
}

// each yields the pages of one partition; false ends the listing.
func (p *partition) each(ctx context.Context, f Filter, page pageFunc, left *int, yield func(task.Status, error) bool) bool {
	for cursor := ""; ; {
		list, next, err := page(p, ctx, cursor)
		if err != nil {
			yield(task.Status{}, fmt.Errorf("list %s: %w", p.Queue, mapError(err)))
			return false
		}
		for _, st := range list {
			if f.Type != "" && st.Type != f.Type {
				continue
			}
			if !yield(st, nil) {
				return false
			}
			if *left--; *left == 0 {
				return false
			}
		}
		if next == "" {
			return true
		}
		cursor = next
	}
}

// match returns the partitions of a queue, or of all.
func (r *Reader) match(ctx context.Context, q task.Queue) ([]*partition, error) {
	if q != "" {
		return r.log.partitions(ctx, q, false)
	}
	queues, err := r.log.Queues(ctx)
	if err != nil {
		return nil, err
	}
	var all []*partition
	for q := range queues {
		ps, err := r.log.partitions(ctx, q, false)
		if err != nil {
			return nil, err
		}
		all = append(all, ps...)
	}
	return all, nil
}

// deadPage pages by rank from the old end; what is purged meanwhile shifts
// later ones, which a page may then miss: a listing is no audit.
func (p *partition) deadPage(ctx context.Context, cursor string) ([]task.Status, string, error) {
	from := parseInt(cursor)
	ids, err := p.log.db.ZRangeWithScores(ctx, p.Dead, from, from+maxItems-1).Result()
	if err != nil || len(ids) == 0 {
		return nil, "", err
	}
	names := make([]string, len(ids))
	for i, z := range ids {
		names[i], _ = z.Member.(string)
	}
	bodies, err := p.log.db.HMGet(ctx, p.Graves, names...).Result()
	if err != nil {
		return nil, "", err
	}
	page := make([]task.Status, 0, len(ids))
	for i, z := range ids {
		id, err := task.ParseID(names[i])
		if err != nil {
			return nil, "", err
		}
		st := task.Status{ID: id, State: task.Dead, Queue: p.Queue, EnqueuedAt: id.Time(), ChangedAt: time.UnixMilli(int64(z.Score)), Reason: "payload_lost"}
		if body, ok := bodies[i].(string); ok {
			g, err := parseGrave(body)
			if err != nil {
				return nil, "", err
			}
			g.fill(&st)
		}
		page = append(page, st)
	}
	return page, fmt.Sprint(from + int64(len(ids))), nil
}

func (p *partition) waitingPage(ctx context.Context, cursor string) ([]task.Status, string, error) {
	from := parseInt(cursor)
	ids, err := p.log.db.ZRange(ctx, p.Partition.Waiting, from, from+maxItems-1).Result()
	if err != nil || len(ids) == 0 {
		return nil, "", err
	}
	return p.statuses(ctx, ids, fmt.Sprint(from+int64(len(ids))))
}

// statuses asks for each id; those that ended meanwhile tell so.
func (p *partition) statuses(ctx context.Context, ids []string, next string) ([]task.Status, string, error) {
	r := p.log.Reader()
	page := make([]task.Status, 0, len(ids))
	for _, s := range ids {
		id, err := task.ParseID(s)
		if err != nil {
			return nil, "", err
		}
		st, err := r.Status(ctx, id)
		if errors.Is(err, task.ErrNotFound) {
			continue // it ended meanwhile, and was trimmed
		}
		if err != nil {
			return nil, "", err
		}
		page = append(page, st)
	}
	return page, next, nil
}

func (p *partition) runningPage(ctx context.Context, cursor string) ([]task.Status, string, error) {
	from := cmp.Or(cursor, "-")
	held, err := p.log.db.XPendingExt(ctx, &redis.XPendingExtArgs{Stream: p.Tasks, Group: keys.Group, Start: from, End: "+", Count: maxItems}).Result()
	if err != nil || len(held) == 0 {
		return nil, "", err
	}
	var page []task.Status
	for _, h := range held {
		at, err := task.ParsePosition(h.ID)
		if err != nil {
			return nil, "", err
		}
		b, err := p.entry(ctx, at)
		if err != nil {
			return nil, "", err
		}
		if b == nil || b.Task.IsZero() {
			continue // settled meanwhile, and trimmed; or a stranger's
		}
		page = append(page, task.Status{
			ID: b.Task, State: task.Running, Queue: p.Queue, Type: b.Type, Attempt: b.Attempt, EnqueuedAt: b.Task.Time(),
			Consumer: h.Consumer, HeldFor: h.Idle, Deliveries: int(h.RetryCount), Payload: b.Payload, Key: b.Opts.Key,
			ChangedAt: time.UnixMilli(at.Ms),
		})
	}
	last, err := task.ParsePosition(held[len(held)-1].ID)
	return page, last.Next().String(), err
}

// entry reads one entry of t.
func (p *partition) entry(ctx context.Context, at task.Position) (*task.Event, error) {
	raw := redis.NewRawCmd(ctx, "XRANGE", p.Tasks, at.String(), at.String())
	raw.SetFirstKeyPos(1)
	if err := p.log.db.Process(ctx, raw); err != nil {
		return nil, err
	}
	got, err := records(raw.Val(), p.decode)
	if err != nil || len(got) == 0 {
		return nil, err
	}
	return &got[0].events[0], nil
}
