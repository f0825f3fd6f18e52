package streams

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/task"
)

// replicateWithin is how long a batch waits for a replica to confirm it.
const replicateWithin = time.Second

// sessionTTL is how long Redis remembers a producer's last batch, as enqueue.lua
// sets it.
const sessionTTL = 24 * time.Hour

// callReplicated is call, and then waits until a replica has what it wrote. When
// none confirms in time the reply comes with ErrNotReplicated.
//
//  1. WAIT speaks of one connection, up to its last write. So the call, a write and
//     WAIT go over one connection, to one life of one server; when it breaks, all of
//     it is asked again, wherever the primary is now: DUP where the batch survived,
//     written anew where it did not.
//  2. A DUP writes nothing, and on some versions of Redis a connection that wrote
//     nothing waits for nothing. So the session's time to live is renewed before the
//     WAIT, also after an OK: a write, and it stands behind the batch in what is
//     replicated.
//  3. NOSCRIPT and an epoch change nothing: WAIT is sent when the script has answered.
func (p *partition) callReplicated(ctx context.Context, s *script, keys []string, args ...any) (reply, error) {
	var unconfirmed error
	r, err := p.repeat(ctx, transient, s.name, func() (reply, error) {
		c, err := p.log.pin(ctx, p.Meta)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		r, err := p.once(ctx, c, s, keys, args)
		if err == nil {
			unconfirmed, err = confirm(ctx, c, keys[enqueueSession])
		}
		if err != nil {
			p.log.reroute(ctx)
			return nil, err
		}
		return r, nil
	})
	if err != nil {
		return nil, err
	}
	return r, unconfirmed
}

// enqueueSession is where enqueue.lua has its session among the keys.
const enqueueSession = 5

// confirm writes on a connection and waits for a replica. unconfirmed says that
// there will be no better answer; an error is worth asking everything again.
func confirm(ctx context.Context, c *redis.Conn, session string) (unconfirmed, err error) {
	pipe := c.Pipeline()
	kept := pipe.PExpire(ctx, session, sessionTTL)
	replicas := pipe.Do(ctx, "WAIT", 1, replicateWithin.Milliseconds())
	_, err = pipe.Exec(ctx)
	switch err = mapError(err); {
	case transient(err):
		return nil, err
	case errors.Is(err, errNoGroup): // UNBLOCKED: this server is no primary any more
		return nil, fmt.Errorf("%w: %v", task.ErrUnavailable, err)
	case err != nil: // WAIT is denied, or unknown: it never comes
		return fmt.Errorf("%w: %w", task.ErrNotReplicated, err), nil
	case !kept.Val():
		return nil, fmt.Errorf("%w: flushed between the batch and its replication", task.ErrUnavailable)
	case replicas.Val() == int64(0):
		return fmt.Errorf("%w: no replica confirmed within %s", task.ErrNotReplicated, replicateWithin), nil
	}
	return nil, nil
}

// pin takes one connection to the server that has the key. They are from a pool of
// their own: what waits for a replica must not keep leases from being renewed.
func (l *Log) pin(ctx context.Context, key string) (*redis.Conn, error) {
	l.mu.Lock()
	if l.pinned == nil && !l.closed.Load() {
		l.pinned = l.target.client(l.opts.PoolSize)
	}
	db := l.pinned
	l.mu.Unlock()
	switch c := db.(type) {
	case *redis.Client:
		return c.Conn(), nil
	case *redis.ClusterClient:
		node, err := c.MasterForKey(ctx, key)
		if err != nil {
			return nil, mapError(err)
		}
		return node.Conn(), nil
	}
	return nil, task.ErrClosed
}

// reroute has a Cluster asked for its nodes again: a connection to one of them does
// not follow a partition that moves. ASK is not followed either; it ends when the
// slot has moved.
func (l *Log) reroute(ctx context.Context) {
	if c, ok := l.pinned.(*redis.ClusterClient); ok {
		c.ReloadState(ctx)
	}
}
