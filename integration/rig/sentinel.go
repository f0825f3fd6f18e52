package rig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/redisproc"
)

const (
	masterName   = "tidemill"
	sentinels    = 3
	quorum       = 2
	replicas     = 2
	formWithin   = 30 * time.Second
	sentinelConf = `sentinel monitor %[1]s %[2]s %[3]s %[4]d
sentinel down-after-milliseconds %[1]s %[5]d
sentinel failover-timeout %[1]s 3000
sentinel parallel-syncs %[1]s 2
`
)

// downAfter is what it takes each sentinel to call a server down, in ms. Not the
// same for all: the second one makes the quorum and is elected before the third
// stands too. When all three stand at once they split the vote in two failovers
// of ten, and try again after twice the failover timeout.
var downAfter = [sentinels]int{700, 1000, 1300}

// haste makes sentinels tell each other at once what they do every two or ten
// seconds otherwise, and keeps a busy machine from putting them out of action
// for the 30 s of TILT. How a failover goes is decided by the configuration. Not
// more haste: a replica that has said nothing for five ping periods is not promoted.
var haste = []any{
	"sentinel", "debug", "info-period", "500", "publish-period", "200", "ping-period", "500",
	"tilt-trigger", "10000", "tilt-period", "1000",
}

// startSentinel starts a primary, its replicas, then the sentinels, who find the
// replicas by asking the primary once.
func (r *Rig) startSentinel(ctx context.Context) error {
	p, err := r.launch(ctx, "server-1")
	if err != nil {
		return err
	}
	for i := range replicas {
		s, err := r.launch(ctx, fmt.Sprintf("server-%d", i+2), p.replicaOf()...)
		if err != nil {
			return err
		}
		if err := inSync(ctx, p, s); err != nil {
			return err
		}
	}
	host, port, _ := net.SplitHostPort(p.addr)
	for i, down := range downAfter {
		conf := fmt.Sprintf(sentinelConf, masterName, host, port, quorum, down)
		s, err := r.newServer(ctx, fmt.Sprintf("sentinel-%d", i+1), redisproc.Options{Sentinel: conf})
		if err != nil {
			return err
		}
		r.sentinels = append(r.sentinels, s)
		if err := s.hurry(ctx); err != nil {
			return err
		}
	}
	r.client = universal(redis.UniversalOptions{MasterName: masterName, Addrs: strings.Split(addrs(r.sentinels), ",")})
	_, err = r.agreed(ctx)
	return err
}

func (s *Server) hurry(ctx context.Context) error {
	if err := s.client.Do(ctx, haste...).Err(); err != nil {
		return fmt.Errorf("hurry %s: %w", s, err)
	}
	return nil
}

// named is the primary that a quorum of the sentinels names.
func (r *Rig) named(ctx context.Context) (*Server, error) {
	votes := map[string]int{}
	var errs []error
	for _, s := range r.sentinels {
		if !s.alive() {
			continue
		}
		a, err := s.client.Do(ctx, "sentinel", "get-master-addr-by-name", masterName).StringSlice()
		if err != nil || len(a) != 2 {
			errs = append(errs, fmt.Errorf("sentinel %s: %v: %w", s, a, err))
			continue
		}
		votes[net.JoinHostPort(a[0], a[1])]++
	}
	for _, s := range r.Servers() {
		if votes[s.addr] >= quorum {
			return s, nil
		}
	}
	return nil, fmt.Errorf("the sentinels name no primary: %v: %w", votes, errors.Join(errs...))
}

// agreed waits until every sentinel knows all servers and that nothing is wrong
// with them, and returns their primary: only then will they replace it at once.
func (r *Rig) agreed(ctx context.Context) (p *Server, err error) {
	err = until(ctx, formWithin, "the sentinels see all well", func(ctx context.Context) (err error) {
		if p, err = r.named(ctx); err != nil {
			return err
		}
		for _, s := range r.sentinels {
			if err := s.seesWell(ctx, p); err != nil {
				return fmt.Errorf("sentinel %s: %w", s, err)
			}
		}
		return nil
	})
	return p, err
}

func (s *Server) seesWell(ctx context.Context, primary *Server) error {
	m, err := s.client.Do(ctx, "sentinel", "master", masterName).Result()
	if err != nil {
		return err
	}
	f := fields(m)
	if a := f["ip"] + ":" + f["port"]; a != primary.addr || f["flags"] != "master" ||
		f["num-slaves"] != fmt.Sprint(replicas) || f["num-other-sentinels"] != fmt.Sprint(sentinels-1) {
		return fmt.Errorf("it sees %s %s with %s replicas and %s sentinels", f["flags"], a, f["num-slaves"], f["num-other-sentinels"])
	}
	others, err := s.client.Do(ctx, "sentinel", "sentinels", masterName).Slice()
	if err != nil {
		return err
	}
	slaves, err := s.client.Do(ctx, "sentinel", "replicas", masterName).Slice()
	if err != nil {
		return err
	}
	for _, v := range append(others, slaves...) {
		f := fields(v)
		flags := strings.TrimSuffix(f["flags"], ",master_down") // about the last primary, kept for 5 s
		if flags != "slave" && flags != "sentinel" || flags == "slave" &&
			(f["master-link-status"] != "ok" || f["master-port"] != port(primary.addr)) {
			return fmt.Errorf("it sees %s as %s of port %s, link %s", f["name"], flags, f["master-port"], f["master-link-status"])
		}
	}
	return nil
}

// fields reads a flat list of names and values.
func fields(v any) map[string]string {
	list, _ := v.([]any)
	m := map[string]string{}
	for i := 0; i+1 < len(list); i += 2 {
		m[fmt.Sprint(list[i])] = fmt.Sprint(list[i+1])
	}
	return m
}

func port(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}
