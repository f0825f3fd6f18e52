package rig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

const syncWithin = 15 * time.Second

func (r *Rig) startStandalone(ctx context.Context) error {
	s, err := r.launch(ctx, "server-1")
	if err != nil {
		return err
	}
	r.primary = s
	r.client = redis.NewClient(direct(s.addr))
	return nil
}

// AddReplica starts a replica of the one server and returns when it is in sync.
// [Rig.URL] does not lead to it, its own URL does. Errors: [ErrUsage] elsewhere
// than standalone.
func (r *Rig) AddReplica(ctx context.Context) (*Server, error) {
	if r.config.Topology != Standalone {
		return nil, fmt.Errorf("add replica: %w: only %s takes more of them", ErrUsage, Standalone)
	}
	p, err := r.Primary(ctx)
	if err != nil {
		return nil, err
	}
	s, err := r.launch(ctx, fmt.Sprintf("server-%d", len(r.Servers())+1), p.replicaOf()...)
	if err != nil {
		return nil, fmt.Errorf("add replica: %w", err)
	}
	if err := inSync(ctx, p, s); err != nil {
		return nil, fmt.Errorf("add replica: %w", err)
	}
	return s, nil
}

// Promote makes a replica the primary, as an operator would: from now on
// [Rig.URL] is its own, and the others that run follow it. The clients of before
// are not told. Errors: [ErrUsage] elsewhere than standalone.
func (r *Rig) Promote(ctx context.Context, s *Server) error {
	if r.config.Topology != Standalone {
		return fmt.Errorf("promote: %w: only %s leaves it to you", ErrUsage, Standalone)
	}
	if err := s.client.ReplicaOf(ctx, "no", "one").Err(); err != nil {
		return fmt.Errorf("promote %s: %w", s, err)
	}
	r.mu.Lock()
	r.primary = s
	r.mu.Unlock()
	host, port, _ := net.SplitHostPort(s.addr)
	var errs []error
	for _, other := range r.Servers() {
		if other != s && other.alive() {
			errs = append(errs, other.client.ReplicaOf(ctx, host, port).Err())
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("promote %s: %w", s, err)
	}
	return nil
}

// roleOf are the arguments with which a server comes back: a replica if another
// is the primary by now. A cluster node has its role in a file.
func (r *Rig) roleOf(ctx context.Context, s *Server) ([]string, error) {
	if r.config.Topology == Cluster || s.sentinel {
		return nil, nil
	}
	p, err := r.Primary(ctx)
	if err != nil || p == s {
		return nil, err
	}
	return p.replicaOf(), nil
}
