package streams

import (
	"context"
	"iter"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/task"
)

// Ready lists deliverable tasks that no consumer was given yet, in the order in
// which they will be.
func (r *Reader) Ready(ctx context.Context, f Filter) iter.Seq2[task.Status, error] {
	return r.list(ctx, f, (*partition).readyPage)
}

// readyPage reads behind the last delivery of the group; what is delivered
// between two pages is left out.
func (p *partition) readyPage(ctx context.Context, cursor string) ([]task.Status, string, error) {
	s, err := p.stats(ctx)
	if err != nil {
		return nil, "", err
	}
	from, err := later(s.Delivered, cursor)
	if err != nil {
		return nil, "", err
	}
	raw := redis.NewRawCmd(ctx, "XRANGE", p.Tasks, "("+from.String(), "+", "COUNT", maxItems)
	raw.SetFirstKeyPos(1)
	if err := p.log.db.Process(ctx, raw); err != nil {
		return nil, "", err
	}
	entries, err := records(raw.Val(), p.decode)
	if err != nil || len(entries) == 0 {
		return nil, "", err
	}
	page, err := p.readyOnes(ctx, entries, s.Marks > 0)
	return page, entries[len(entries)-1].at.String(), err
}

// later is the greater of a position and a cursor, which may be empty.
func later(at task.Position, cursor string) (task.Position, error) {
	if cursor == "" {
		return at, nil
	}
	c, err := task.ParsePosition(cursor)
	if c.Ms > at.Ms || c.Ms == at.Ms && c.LSN > at.LSN {
		at = c
	}
	return at, err
}

// readyOnes leaves out the entries of strangers and of tasks that were cancelled
// before their delivery, which stand behind a tombstone until they are read.
func (p *partition) readyOnes(ctx context.Context, entries []record, marks bool) ([]task.Status, error) {
	var page []task.Status
	var births []string
	for _, r := range entries {
		if b := &r.events[0]; !b.Task.IsZero() {
			page = append(page, task.Status{
				ID: b.Task, State: task.Ready, Queue: p.Queue, Type: b.Type, Attempt: b.Attempt, EnqueuedAt: b.Task.Time(),
				ChangedAt: time.UnixMilli(b.At.Ms), Payload: b.Payload, Key: b.Opts.Key,
			})
			births = append(births, strconv.FormatInt(b.Task.LSN(), 10))
		}
	}
	if !marks || len(page) == 0 {
		return page, nil
	}
	scores, err := p.log.db.ZMScore(ctx, p.Cancels, births...).Result()
	if err != nil {
		return nil, err
	}
	kept := page[:0]
	for i, st := range page {
		if i < len(scores) && scores[i] < 0 {
			continue
		}
		kept = append(kept, st)
	}
	return kept, nil
}
