package streams

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/task"
)

// Stats reads the numbers of every partition of a queue.
func (r *Reader) Stats(ctx context.Context, q task.Queue) ([]task.Stats, error) {
	ps, err := r.log.partitions(ctx, q, false)
	if err != nil {
		return nil, err
	}
	out := make([]task.Stats, 0, len(ps))
	for _, p := range ps {
		s, err := p.stats(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func (p *partition) stats(ctx context.Context) (task.Stats, error) {
	r, err := p.call(ctx, snapshotScript, []string{p.Meta, p.Tasks, p.Events, p.Waiting, p.Dead, p.Cancels, p.Members})
	if err != nil {
		return task.Stats{}, err
	}
	v := map[string]string{}
	for i := 1; i+1 < len(r); i += 2 {
		v[r.text(i)] = r.text(i + 1)
	}
	n := func(name string) int64 { return parseInt(v[name]) }
	s := task.Stats{
		Queue: p.Queue, Partition: p.Number, LSN: n("lsn"), Floor: n("floor"), NowMs: n("now"),
		Waiting: n("waiting"), Running: n("pending"), Dead: n("buried"), Marks: n("marks"),
		NextDueMs: n("due"), Paused: v["paused"] == "1", Enqueued: n("enqueued"), Succeeded: n("succeeded"), Retried: n("retry"),
		Snoozed: n("snoozed"), Buried: n("dead"), Cancelled: n("cancelled"), Expired: n("expired"),
		Requeued: n("requeued"), Purged: n("purged"),
	}
	s.Ready = max(0, n("open")-s.Running)
	s.Delivered, _ = task.ParsePosition(v["delivered"])
	return s, nil
}

// Live reads the live state in pages; it is a snapshot only if Settled.
func (r *Reader) Live(ctx context.Context, q task.Queue, n int) (*task.Live, error) {
	p, err := r.part(ctx, q, n)
	if err != nil {
		return nil, err
	}
	before, err := p.stats(ctx)
	if err != nil {
		return nil, err
	}
	l := &task.Live{Stats: before, Open: map[task.Position]bool{}, Due: map[task.ID]int64{}, Buried: map[task.ID]bool{}, Marked: map[int64]bool{}}
	for _, read := range []func(context.Context, *task.Live) error{p.readPending, p.readUndelivered, p.readWaiting, p.readDead, p.readMarks} {
		if err := read(ctx, l); err != nil {
			return nil, mapError(err)
		}
	}
	after, err := p.stats(ctx)
	l.Settled = after.LSN == before.LSN && after.Running == before.Running && after.Delivered == before.Delivered
	return l, err
}

func (p *partition) readPending(ctx context.Context, l *task.Live) error {
	for from := "-"; ; {
		page, err := p.log.db.XPendingExt(ctx, &redis.XPendingExtArgs{Stream: p.Tasks, Group: keys.Group, Start: from, End: "+", Count: 1000}).Result()
		if err != nil || len(page) == 0 {
			return err
		}
		for _, e := range page {
			at, err := task.ParsePosition(e.ID)
			if err != nil {
				return err
			}
			l.Open[at], from = true, at.Next().String()
		}
	}
}

func (p *partition) readUndelivered(ctx context.Context, l *task.Live) error {
	for at := l.Delivered; ; {
		raw := redis.NewRawCmd(ctx, "XRANGE", p.Tasks, "("+at.String(), "+", "COUNT", 1000)
		raw.SetFirstKeyPos(1)
		if err := p.log.db.Process(ctx, raw); err != nil {
			return err
		}
		page, err := records(raw.Val(), p.decode)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, e := range page {
			l.Open[e.at], at = true, e.at
		}
	}
}

func (p *partition) readWaiting(ctx context.Context, l *task.Live) error {
	return p.readSet(ctx, p.Partition.Waiting, func(name string, score float64) error {
		id, err := task.ParseID(name)
		l.Due[id] = int64(score)
		return err
	})
}

func (p *partition) readDead(ctx context.Context, l *task.Live) error {
	return p.readSet(ctx, p.Dead, func(name string, _ float64) error {
		id, err := task.ParseID(name)
		l.Buried[id] = true
		return err
	})
}

func (p *partition) readMarks(ctx context.Context, l *task.Live) error {
	return p.readSet(ctx, p.Cancels, func(name string, _ float64) error {
		l.Marked[parseInt(name)] = true
		return nil
	})
}

// readSet reads a zset whole, by rank.
func (p *partition) readSet(ctx context.Context, key string, fn func(string, float64) error) error {
	for from := int64(0); ; from += 1000 {
		page, err := p.log.db.ZRangeWithScores(ctx, key, from, from+999).Result()
		if err != nil || len(page) == 0 {
			return err
		}
		for _, z := range page {
			name, _ := z.Member.(string)
			if err := fn(name, z.Score); err != nil {
				return err
			}
		}
	}
}
