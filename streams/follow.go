package streams

import (
	"context"
	"errors"
	"net"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/task"
)

// follower has a Cluster client look where the slots are when a node of it does
// not answer: by itself it would go on asking a dead primary for a minute.
type follower struct{ cluster *redis.ClusterClient }

// follow makes a client, if it is one of a Cluster, notice that a primary died.
func follow(c redis.UniversalClient) redis.UniversalClient {
	if cc, ok := c.(*redis.ClusterClient); ok {
		cc.OnNewNode(func(node *redis.Client) { node.AddHook(follower{cc}) })
	}
	return c
}

// look asks for the slots, in the background and not more often than every 200 ms,
// when a node does not answer or does not serve, and somebody still waits.
func (f follower) look(ctx context.Context, err error) {
	if ctx.Err() == nil && errors.Is(mapError(err), task.ErrUnavailable) {
		f.cluster.ReloadState(ctx)
	}
}

// DialHook implements redis.Hook.
func (f follower) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := next(ctx, network, addr)
		f.look(ctx, err)
		return c, err
	}
}

// ProcessHook implements redis.Hook.
func (f follower) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		f.look(ctx, err)
		return err
	}
}

// ProcessPipelineHook implements redis.Hook.
func (f follower) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		f.look(ctx, err)
		return err
	}
}
