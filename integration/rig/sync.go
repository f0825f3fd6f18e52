package rig

import (
	"context"
	"fmt"
	"time"
)

// role is what ROLE answers.
type role struct {
	name   string // master, slave
	of     string // of a replica: the address of its primary
	link   string // of a replica: connected, or on its way there
	offset int64
}

func (s *Server) role(ctx context.Context) (role, error) {
	v, err := s.client.Do(ctx, "role").Slice()
	if err != nil {
		return role{}, err
	}
	if len(v) >= 5 && v[0] == "slave" {
		offset, _ := v[4].(int64)
		return role{"slave", fmt.Sprintf("%v:%v", v[1], v[2]), fmt.Sprint(v[3]), offset}, nil
	}
	if len(v) >= 2 && v[0] == "master" {
		offset, _ := v[1].(int64)
		return role{name: "master", offset: offset}, nil
	}
	return role{}, fmt.Errorf("role of %s: unexpected answer %v", s, v)
}

// inSync waits until a replica has all that its primary has now.
func inSync(ctx context.Context, primary, replica *Server) error {
	goal := int64(-1)
	return until(ctx, syncWithin, fmt.Sprintf("%s is in sync with %s", replica, primary), func(ctx context.Context) error {
		if goal < 0 {
			p, err := primary.role(ctx)
			if err != nil {
				return err
			}
			if p.name != "master" {
				return fmt.Errorf("%s is a replica", primary)
			}
			goal = p.offset
		}
		r, err := replica.role(ctx)
		switch {
		case err != nil:
			return err
		case r.name != "slave" || r.of != primary.addr || r.link != "connected":
			return fmt.Errorf("it is %s of %q, %s", r.name, r.of, r.link)
		case r.offset < goal:
			return fmt.Errorf("it is at %d of %d", r.offset, goal)
		}
		return nil
	})
}

// Heal brings back what was killed or paused and returns when every server has
// its role and every replica is in sync. Where no primary was replaced nothing
// changes its role.
func (r *Rig) Heal(ctx context.Context) error {
	for _, s := range append(r.Sentinels(), r.Servers()...) {
		var err error
		switch {
		case s.proc.Pid() == 0:
			err = s.Restart(ctx)
		case !s.alive():
			err = s.Resume()
		}
		if err != nil {
			return fmt.Errorf("heal: %w", err)
		}
	}
	if err := r.healthy(ctx); err != nil {
		return fmt.Errorf("heal: %w", err)
	}
	return nil
}

// healthy waits until all servers are in their places.
func (r *Rig) healthy(ctx context.Context) error {
	if r.config.Topology == Cluster {
		return r.clusterHealthy(ctx)
	}
	find := r.Primary
	if r.config.Topology == Sentinel {
		find = r.agreed
	}
	p, err := find(ctx)
	if err != nil {
		return err
	}
	for _, s := range r.Servers() {
		if s == p {
			continue
		}
		if err := inSync(ctx, p, s); err != nil {
			return err
		}
	}
	return nil
}

// writable waits until a server other than old takes writes of a slot, and tells
// which and how long after start.
func (r *Rig) writable(ctx context.Context, slot int, old *Server, start time.Time) (*Server, time.Duration, error) {
	var now *Server
	err := until(ctx, failoverWithin, "another primary takes writes", func(ctx context.Context) error {
		p, err := r.PrimaryOf(ctx, slot)
		if err != nil {
			return err
		}
		if p == old {
			return fmt.Errorf("%s is still named", p)
		}
		now = p
		return p.write(ctx, slot)
	})
	return now, time.Since(start), err
}

// write proves that a server takes writes of a slot, and leaves nothing behind.
func (s *Server) write(ctx context.Context, slot int) error {
	return s.client.Unlink(ctx, "rig:{"+tag(slot)+"}").Err() // never there; allowed when memory is full
}
