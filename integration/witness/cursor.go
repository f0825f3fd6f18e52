package witness

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// moveCursor begins with a write that changes nothing, so that it runs when
// memory is full: a cursor that stood still would keep trims from making room.
const moveCursor = `redis.call('HDEL', KEYS[1], 'nothing') return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])`

// advance moves the cursor to the last entry below which everything was read and
// written down. A trim spares it and what follows.
func (p *partition) advance(ctx context.Context, client redis.UniversalClient) error {
	to := p.cursor.id()
	if to == p.moved {
		return nil
	}
	if err := client.Eval(ctx, moveCursor, []string{p.prefix + "k"}, cursorName, to).Err(); err != nil {
		return fmt.Errorf("move cursor of %s: %w", p.prefix, err)
	}
	p.moved = to
	return nil
}

// leave unregisters the cursor.
func (p *partition) leave(ctx context.Context, client redis.UniversalClient) error {
	if err := client.HDel(ctx, p.prefix+"k", cursorName).Err(); err != nil {
		return fmt.Errorf("unregister cursor of %s: %w", p.prefix, err)
	}
	p.moved = ""
	return nil
}
