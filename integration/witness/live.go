package witness

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/integration/history"
)

// live reads what the keys of a partition hold.
func (w *Witness) live(ctx context.Context, p *partition) (*history.Live, error) {
	db, at := w.client, p.prefix
	l := &history.Live{Queue: p.queue, Partition: p.number, Chunks: map[string][]byte{}}
	var err error
	if l.Meta, err = db.HGetAll(ctx, at+"m").Result(); err != nil {
		return nil, fmt.Errorf("read m: %w", err)
	}
	if l.Members, err = db.HGetAll(ctx, at+"f").Result(); err != nil {
		return nil, fmt.Errorf("read f: %w", err)
	}
	if l.Copies, err = db.HKeys(ctx, at+"d").Result(); err != nil {
		return nil, fmt.Errorf("read d: %w", err)
	}
	if l.Graves, err = db.HKeys(ctx, at+"y").Result(); err != nil {
		return nil, fmt.Errorf("read y: %w", err)
	}
	for key, to := range map[string]*map[string]int64{"z": &l.Waiting, "c": &l.Cancels, "x": &l.Dead} {
		if *to, err = w.scores(ctx, at+key); err != nil {
			return nil, fmt.Errorf("read %s: %w", key, err)
		}
	}
	return l, w.group(ctx, at+"t", l)
}

func (w *Witness) scores(ctx context.Context, key string) (map[string]int64, error) {
	members, err := w.client.ZRangeWithScores(ctx, key, 0, -1).Result()
	out := make(map[string]int64, len(members))
	for _, m := range members {
		name, _ := m.Member.(string)
		out[name] = int64(m.Score)
	}
	return out, err
}

// group reads how far the consumer group is, and what is pending. Without one
// there is nothing to read.
func (w *Witness) group(ctx context.Context, key string, l *history.Live) error {
	groups, err := w.client.XInfoGroups(ctx, key).Result()
	if err != nil {
		if strings.Contains(err.Error(), "no such key") {
			return nil
		}
		return fmt.Errorf("read groups: %w", err)
	}
	for _, g := range groups {
		if g.Name == group {
			l.Delivered = g.LastDeliveredID
			return w.pending(ctx, key, l)
		}
	}
	return nil
}

func (w *Witness) pending(ctx context.Context, key string, l *history.Live) error {
	from := "-"
	for {
		rows, err := w.client.XPendingExt(ctx, &redis.XPendingExtArgs{
			Stream: key, Group: group, Start: from, End: "+", Count: page,
		}).Result()
		if err != nil {
			return fmt.Errorf("read pending: %w", err)
		}
		for _, row := range rows {
			l.Pending = append(l.Pending, history.Pending{ID: row.ID, Consumer: row.Consumer, Count: row.RetryCount})
			from = "(" + row.ID
		}
		if len(rows) < page {
			return nil
		}
	}
}
