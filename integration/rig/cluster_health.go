package rig

import (
	"context"
	"fmt"
	"slices"
)

// clusterHealthy waits until every node sees all others well, all slots are
// served and every replica is in sync.
func (r *Rig) clusterHealthy(ctx context.Context) error {
	for _, s := range r.Servers() {
		err := until(ctx, clusterWithin, fmt.Sprintf("node %s sees all well", s), func(ctx context.Context) error {
			return s.seesCluster(ctx, len(r.Servers()))
		})
		if err != nil {
			return err
		}
	}
	for _, s := range r.Servers() {
		p, err := r.primaryOf(ctx, s)
		if err != nil {
			return err
		}
		if p == nil {
			continue
		}
		if err := inSync(ctx, p, s); err != nil {
			return err
		}
	}
	return nil
}

// seesCluster answers nil when all nodes are in their places in the eyes of one.
func (s *Server) seesCluster(ctx context.Context, size int) error {
	info, err := s.client.ClusterInfo(ctx).Result()
	if err != nil {
		return err
	}
	for _, want := range []string{"cluster_state:ok", fmt.Sprintf("cluster_slots_ok:%d", Slots)} {
		if !slices.Contains(lines(info), want) {
			return fmt.Errorf("it does not say %s", want)
		}
	}
	nodes, err := s.nodes(ctx)
	if err != nil {
		return err
	}
	replicas := 0
	for _, n := range nodes {
		if n.is("fail") || n.is("fail?") || n.is("handshake") || n.is("noaddr") {
			return fmt.Errorf("it sees %s as %s", n.addr, n.flags)
		}
		if n.is("slave") {
			replicas++
		}
	}
	if len(nodes) != size || replicas != primaries {
		return fmt.Errorf("it sees %d nodes, %d replicas", len(nodes), replicas)
	}
	return nil
}

// primaryOf is whom a node replicates, nil if it is a primary.
func (r *Rig) primaryOf(ctx context.Context, s *Server) (*Server, error) {
	role, err := s.role(ctx)
	if err != nil || role.name == "master" {
		return nil, err
	}
	for _, p := range r.Servers() {
		if p.addr == role.of {
			return p, nil
		}
	}
	return nil, fmt.Errorf("%s replicates a stranger, %s", s, role.of)
}
