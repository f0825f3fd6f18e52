package rig

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const failoverWithin = 30 * time.Second

// Failed tells how a primary was replaced.
type Failed struct {
	Old, New *Server
	Took     time.Duration // from the death of Old to the first write that New took
}

// Failover kills the primary, waits until the sentinels have made another one,
// and brings the old one back as its replica. Errors: [ErrUsage] elsewhere than
// sentinel.
func (r *Rig) Failover(ctx context.Context) (Failed, error) {
	if r.config.Topology != Sentinel {
		return Failed{}, fmt.Errorf("failover: %w: %s has no sentinels", ErrUsage, r.config.Topology)
	}
	return r.replace(ctx, 0, nil)
}

// KillPrimary kills the primary of a slot and waits until its replica took over.
// The dead one stays dead until [Rig.Heal] or [Server.Restart]. Errors:
// [ErrUsage] elsewhere than cluster.
func (r *Rig) KillPrimary(ctx context.Context, slot int) (f Failed, err error) {
	if r.config.Topology != Cluster {
		return f, fmt.Errorf("kill primary of slot %d: %w: %s has no slots", slot, ErrUsage, r.config.Topology)
	}
	if f.Old, err = r.PrimaryOf(ctx, slot); err != nil {
		return f, err
	}
	start := time.Now()
	if err := f.Old.Kill(); err != nil {
		return f, err
	}
	f.New, f.Took, err = r.writable(ctx, slot, f.Old, start)
	return f, err
}

// LoseTail promotes a replica that misses what the primary acknowledged while
// during ran, and brings the others back as its replicas. On Cluster that
// happens to the primary of slot 0. Errors: [ErrUsage] on standalone
// and container.
func (r *Rig) LoseTail(ctx context.Context, during func()) (Failed, error) {
	return r.LoseTailOf(ctx, 0, during)
}

// LoseTailOf is LoseTail for the primary of a slot. During must return within
// 10 s: replicas that were away for longer are not promoted.
func (r *Rig) LoseTailOf(ctx context.Context, slot int, during func()) (Failed, error) {
	if r.config.Topology == Standalone || r.config.Topology == Container {
		return Failed{}, fmt.Errorf("lose a tail: %w: %s promotes nobody", ErrUsage, r.config.Topology)
	}
	return r.replace(ctx, slot, during)
}

// replace kills the primary of a slot. With during its replicas are cut off
// before: stopped, or they would come back at once, and their connections ended,
// or they would read the rest from the kernel later.
func (r *Rig) replace(ctx context.Context, slot int, during func()) (f Failed, err error) {
	if f.Old, err = r.PrimaryOf(ctx, slot); err != nil {
		return f, err
	}
	cut, err := r.cutOff(ctx, f.Old, during)
	if err != nil {
		return f, errors.Join(fmt.Errorf("cut off replicas of %s: %w", f.Old, err), resume(cut))
	}
	start := time.Now()
	if err := errors.Join(f.Old.Kill(), resume(cut)); err != nil {
		return f, err
	}
	if f.New, f.Took, err = r.writable(ctx, slot, f.Old, start); err != nil {
		return f, fmt.Errorf("replace %s: %w", f.Old, err)
	}
	return f, r.Heal(ctx)
}

// cutOff keeps a primary from its replicas while during runs, and returns those
// that are to be resumed.
func (r *Rig) cutOff(ctx context.Context, primary *Server, during func()) (cut []*Server, err error) {
	if during == nil {
		return nil, nil
	}
	for _, s := range r.Servers() {
		if s == primary || !s.alive() {
			continue
		}
		role, err := s.role(ctx)
		if err != nil {
			return cut, err
		}
		if role.of != primary.addr {
			continue
		}
		if err := inSync(ctx, primary, s); err != nil {
			return cut, err
		}
		if err := s.Pause(); err != nil {
			return cut, err
		}
		cut = append(cut, s)
	}
	if err := primary.client.ClientKillByFilter(ctx, "TYPE", "replica").Err(); err != nil {
		return cut, err
	}
	during()
	return cut, nil
}

func resume(servers []*Server) error {
	var errs []error
	for _, s := range servers {
		errs = append(errs, s.Resume())
	}
	return errors.Join(errs...)
}
