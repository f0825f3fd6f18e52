package rig

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"
)

const (
	migrateBatch  = 1                // a partition is in two places for as long as can be
	migrateWithin = 10 * time.Second // one batch
)

// MigrateSlot moves a slot with its keys to another primary, key by key, while
// clients go on, and returns how many keys it moved. After an error the slot is
// between both; asking again goes on from there. Errors: [ErrUsage] elsewhere
// than cluster, or if to is no primary.
func (r *Rig) MigrateSlot(ctx context.Context, slot int, to *Server) (moved int, err error) {
	if r.config.Topology != Cluster {
		return 0, fmt.Errorf("migrate slot %d: %w: %s has no slots", slot, ErrUsage, r.config.Topology)
	}
	from, err := r.PrimaryOf(ctx, slot)
	if err != nil {
		return 0, err
	}
	if role, err := to.role(ctx); err != nil || role.name != "master" {
		return 0, fmt.Errorf("migrate slot %d: %w: %s is no primary: %w", slot, ErrUsage, to, err)
	}
	if from == to {
		return 0, nil
	}
	if err := r.open(ctx, slot, from, to); err != nil {
		return 0, fmt.Errorf("open slot %d: %w", slot, err)
	}
	if moved, err = from.drain(ctx, slot, to); err != nil {
		return moved, fmt.Errorf("move slot %d from %s to %s: %w", slot, from, to, err)
	}
	return moved, r.assign(ctx, slot, from, to)
}

// open lets the source send away who asks for a key that it does not have any
// more, and the target serve who was sent.
func (r *Rig) open(ctx context.Context, slot int, from, to *Server) error {
	source, err := from.client.Do(ctx, "cluster", "myid").Text()
	if err != nil {
		return err
	}
	target, err := to.client.Do(ctx, "cluster", "myid").Text()
	if err != nil {
		return err
	}
	if err := to.client.Do(ctx, "cluster", "setslot", slot, "importing", source).Err(); err != nil {
		return err
	}
	return from.client.Do(ctx, "cluster", "setslot", slot, "migrating", target).Err()
}

// drain moves keys until there are none.
func (s *Server) drain(ctx context.Context, slot int, to *Server) (moved int, err error) {
	host, port, _ := net.SplitHostPort(to.addr)
	for {
		keys, err := s.client.ClusterGetKeysInSlot(ctx, slot, migrateBatch).Result()
		if err != nil || len(keys) == 0 {
			return moved, err
		}
		args := []any{"migrate", host, port, "", 0, migrateWithin.Milliseconds(), "keys"}
		for _, k := range keys {
			args = append(args, k)
		}
		if err := s.client.Do(ctx, args...).Err(); err != nil {
			return moved, err
		}
		moved += len(keys)
	}
}

// assign tells the target first: until the source knows too, both send clients
// to the target, and no slot is nobody's. The rest learns it from us, not from
// gossip.
func (r *Rig) assign(ctx context.Context, slot int, from, to *Server) error {
	id, err := to.client.Do(ctx, "cluster", "myid").Text()
	if err != nil {
		return err
	}
	told := []*Server{to, from}
	for _, s := range r.Servers() {
		if p, err := r.primaryOf(ctx, s); s != to && s != from && s.alive() && err == nil && p == nil {
			told = append(told, s)
		}
	}
	for _, s := range told {
		if err := s.client.Do(ctx, "cluster", "setslot", slot, "node", id).Err(); err != nil {
			return fmt.Errorf("assign slot %d to %s, at %s: %w", slot, to, s, err)
		}
	}
	return nil
}

// lines are the lines of an INFO.
func lines(info string) []string { return strings.Split(strings.ReplaceAll(info, "\r", ""), "\n") }
