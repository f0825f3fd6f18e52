package witness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/integration/history"
)

// scan lists the keys of the namespace on all masters.
func (w *Witness) scan(ctx context.Context) ([]string, error) {
	var mu sync.Mutex
	var names []string
	each := func(ctx context.Context, db redis.Cmdable) error {
		it := db.Scan(ctx, 0, strings.TrimSuffix(w.keys.parts, "/")+"*", page).Iterator()
		for it.Next(ctx) {
			if w.keys.holds(it.Val()) {
				mu.Lock()
				names = append(names, it.Val())
				mu.Unlock()
			}
		}
		return it.Err()
	}
	var err error
	if c, ok := w.client.(*redis.ClusterClient); ok {
		err = c.ForEachMaster(ctx, func(ctx context.Context, db *redis.Client) error { return each(ctx, db) })
	} else {
		err = each(ctx, w.client)
	}
	slices.Sort(names)
	return slices.Compact(names), err // SCAN may tell a key twice
}

// mine picks the keys of one partition; the first one is also given those that
// are of no partition.
func (w *Witness) mine(p *partition, names []string, first bool) (out []string) {
	for _, name := range names {
		if strings.HasPrefix(name, p.prefix) || first && !w.owned(name) {
			out = append(out, name)
		}
	}
	return out
}

func (w *Witness) owned(name string) bool {
	for _, p := range w.parts {
		if strings.HasPrefix(name, p.prefix) {
			return true
		}
	}
	return false
}

// describe asks for types and ends, and leaves out what ended meanwhile.
func (w *Witness) describe(ctx context.Context, names []string) ([]history.Key, error) {
	var out []history.Key
	for _, name := range names {
		typ, err := w.client.Type(ctx, name).Result()
		if err != nil {
			return nil, fmt.Errorf("type of %s: %w", name, err)
		}
		ttl, err := w.client.PTTL(ctx, name).Result()
		if err != nil {
			return nil, fmt.Errorf("end of %s: %w", name, err)
		}
		if typ == "none" || ttl == -2 {
			continue
		}
		k := history.Key{Name: name, Type: typ, TTLMs: ttl.Milliseconds()}
		if ttl == -1 {
			k.TTLMs = -1
		}
		out = append(out, k)
	}
	return out, nil
}

// chunks reads the outcome index.
func (w *Witness) chunks(ctx context.Context, p *partition, keys []history.Key, l *history.Live) error {
	for _, k := range keys {
		n, ok := strings.CutPrefix(k.Name, p.prefix+"o:")
		if !ok {
			continue
		}
		b, err := w.client.Get(ctx, k.Name).Bytes()
		if err != nil && !errors.Is(err, redis.Nil) {
			return fmt.Errorf("read %s: %w", k.Name, err)
		}
		l.Chunks[n] = b
	}
	return nil
}
