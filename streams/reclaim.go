package streams

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/task"
)

// Observe reads the records of all consumers of the partition; with everyone
// set also of those that hold entries but have no record.
func (s *Session) Observe(ctx context.Context, everyone bool) (map[string]string, error) {
	p := s.part
	records, err := p.log.db.HGetAll(ctx, p.Members).Result()
	if err != nil {
		return nil, fmt.Errorf("observe %s: %w", p.Queue, mapError(err))
	}
	if everyone {
		all, err := p.consumers(ctx)
		if err != nil {
			return nil, fmt.Errorf("observe %s: %w", p.Queue, err)
		}
		for _, c := range all {
			if _, ok := records[c.Name]; !ok {
				records[c.Name] = ""
			}
		}
	}
	delete(records, s.name)
	return records, nil
}

// consumers lists the consumers of the group, which it rebuilds if it is gone.
func (p *partition) consumers(ctx context.Context) ([]redis.XInfoConsumer, error) {
	for try := 0; ; try++ {
		all, err := p.log.db.XInfoConsumers(ctx, p.Tasks, keys.Group).Result()
		if err = mapError(err); err == nil || try == maxMends || p.mend(ctx, err) != nil {
			return all, err
		}
	}
}

// Reclaim takes over a page of what victim holds. The caller has seen its
// record unchanged over one lease of its own monotonic clock and passes it; if
// it has moved since, nothing happens. more asks for another call, with the same
// arguments. After an error a page may have moved unseen: Sweep finds it.
func (s *Session) Reclaim(ctx context.Context, victim, seen string) (b task.Batch, more bool, err error) {
	p := s.part
	ks := []string{p.Meta, p.Tasks, p.Events, p.Members}
	// not repeated: a repeat would take the next page and hide that one is lost
	r, err := p.repeat(ctx, isEpoch, reclaimScript.name, func() (reply, error) {
		return p.once(ctx, p.log.db, reclaimScript, ks, []any{s.name, victim, seen, maxItems})
	})
	if err != nil {
		return task.Batch{}, false, err
	}
	switch r.word() {
	case "ALIVE", "DONE":
		return task.Batch{}, false, nil
	}
	var held []wire.Claim
	for i := 2; i+1 < len(r); i += 2 {
		at, err := task.ParsePosition(r.text(i))
		if err != nil {
			return task.Batch{}, false, err
		}
		held = append(held, wire.Claim{Entry: at, Count: int(r.number(i + 1))})
	}
	b, err = s.load(ctx, held, r.text(1))
	return b, true, err
}

func isEpoch(err error) bool { return errors.Is(err, errEpoch) }
