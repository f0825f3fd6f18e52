package rig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/redisproc"
)

const (
	primaries     = 3
	clusterWithin = 30 * time.Second
)

// startCluster starts six nodes and introduces each to each. The first three get
// a third of the slots each, the others become their replicas.
func (r *Rig) startCluster(ctx context.Context) error {
	bus := map[*Server]string{}
	for i := range 2 * primaries {
		addr, err := redisproc.FreeAddr()
		if err != nil {
			return err
		}
		s, err := r.launch(ctx, fmt.Sprintf("server-%d", i+1), "--cluster-enabled", "yes", "--cluster-node-timeout", "1000",
			"--cluster-port", port(addr), "--cluster-require-full-coverage", "no", "--cluster-allow-replica-migration", "no")
		if err != nil {
			return err
		}
		bus[s] = port(addr)
	}
	r.client = universal(redis.UniversalOptions{Addrs: strings.Split(addrs(r.servers), ","), MaxRedirects: 3})
	if err := r.introduce(ctx, bus); err != nil {
		return err
	}
	for i, s := range r.servers[primaries:] {
		if err := s.replicate(ctx, r.servers[i]); err != nil {
			return err
		}
	}
	return r.clusterHealthy(ctx)
}

// introduce gives the primaries their slots and every node the address of every
// other. They need no gossip then to find each other.
func (r *Rig) introduce(ctx context.Context, bus map[*Server]string) error {
	for i, s := range r.servers {
		if err := s.client.Do(ctx, "cluster", "set-config-epoch", i+1).Err(); err != nil {
			return fmt.Errorf("number node %s: %w", s, err)
		}
		if i < primaries {
			from, to := Slots*i/primaries, Slots*(i+1)/primaries-1
			if err := s.client.ClusterAddSlotsRange(ctx, from, to).Err(); err != nil {
				return fmt.Errorf("give slots %d to %d to %s: %w", from, to, s, err)
			}
		}
		for _, other := range r.servers[:i] {
			host, port, _ := net.SplitHostPort(other.addr)
			if err := s.client.Do(ctx, "cluster", "meet", host, port, bus[other]).Err(); err != nil {
				return fmt.Errorf("introduce %s to %s: %w", other, s, err)
			}
		}
	}
	return nil
}

// replicate makes a node the replica of another as soon as it knows that.
func (s *Server) replicate(ctx context.Context, primary *Server) error {
	id, err := primary.client.Do(ctx, "cluster", "myid").Text()
	if err != nil {
		return fmt.Errorf("id of %s: %w", primary, err)
	}
	return until(ctx, clusterWithin, fmt.Sprintf("%s replicates %s", s, primary), func(ctx context.Context) error {
		return s.client.ClusterReplicate(ctx, id).Err()
	})
}

// node is a line of CLUSTER NODES.
type node struct {
	id, addr string
	flags    string // with a comma at each end
	primary  string // of a replica: the id of its primary
	epoch    int
	slots    [][2]int
}

func (n node) is(flag string) bool { return strings.Contains(n.flags, ","+flag+",") }

func (n node) owns(slot int) bool {
	for _, s := range n.slots {
		if s[0] <= slot && slot <= s[1] {
			return true
		}
	}
	return false
}

// nodes is the cluster as one node sees it.
func (s *Server) nodes(ctx context.Context) (all []node, err error) {
	text, err := s.client.ClusterNodes(ctx).Result()
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(text) {
		f := strings.Fields(line) // id addr@bus[,host] flags primary ping pong epoch link slots...
		if len(f) < 8 {
			return nil, fmt.Errorf("nodes of %s: unexpected line %q", s, line)
		}
		n := node{id: f[0], flags: "," + f[2] + ",", primary: f[3]}
		n.addr, _, _ = strings.Cut(f[1], "@")
		n.epoch, _ = strconv.Atoi(f[6])
		for _, slots := range f[8:] {
			from, to, ok := strings.Cut(slots, "-")
			if !ok {
				to = from
			}
			a, err1 := strconv.Atoi(from)
			b, err2 := strconv.Atoi(to)
			if errors.Join(err1, err2) == nil { // else [a slot that moves]
				n.slots = append(n.slots, [2]int{a, b})
			}
		}
		all = append(all, n)
	}
	return all, nil
}

// owner asks every node that lives whether it owns the slot itself. Of several,
// the one with the highest epoch does. A dead owner is found in the words of others.
func (r *Rig) owner(ctx context.Context, slot int) (*Server, error) {
	best, said, bestEpoch := "", "", -1
	var errs []error
	for _, s := range r.Servers() {
		if !s.alive() {
			continue
		}
		nodes, err := s.nodes(ctx)
		errs = append(errs, err)
		for _, n := range nodes {
			if !n.is("master") || !n.owns(slot) {
				continue
			}
			if n.is("myself") && n.epoch > bestEpoch {
				best, bestEpoch = n.addr, n.epoch
			}
			said = n.addr
		}
	}
	if best == "" {
		best = said
	}
	for _, s := range r.Servers() {
		if s.addr == best {
			return s, nil
		}
	}
	return nil, fmt.Errorf("nobody owns slot %d: %w", slot, errors.Join(errs...))
}
