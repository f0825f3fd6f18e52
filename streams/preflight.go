package streams

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tidemill/tidemill/task"
)

// Durability is how much of what it acknowledged a Redis keeps.
type Durability string

// The levels of [Durability], as the configuration of the server tells them.
const (
	Memory      Durability = "memory"       // nothing survives a restart (or snapshots alone)
	EverySecond Durability = "aof everysec" // a killed server loses nothing, a power cut the last second
	Always      Durability = "aof always"   // a power cut loses nothing
)

// Server is what preflight learned about the Redis.
type Server struct {
	Name       string     `json:"name"` // redis, valkey, miniredis
	Version    string     `json:"version"`
	Mode       string     `json:"mode"` // standalone, sentinel, cluster
	Durability Durability `json:"durability"`
	Policy     string     `json:"maxmemory_policy"`
	MaxMemory  int64      `json:"maxmemory"`
	UsedMemory int64      `json:"used_memory"`
	Replicas   int        `json:"replicas"`
}

// Preflight asks the server what it is and refuses one that would lose tasks:
// older than Redis 7.0, of 32 bits, a replica, or one that evicts keys, unless allowEviction.
//
// Errors: [task.ErrUnavailable], [task.ErrUnsafe].
func (l *Log) Preflight(ctx context.Context, allowEviction bool) (Server, error) {
	info, err := l.info(ctx)
	if err != nil {
		return Server{}, fmt.Errorf("preflight: %w", err)
	}
	s := Server{
		Name: "redis", Version: info["redis_version"], Mode: info["redis_mode"], Policy: info["maxmemory_policy"],
		MaxMemory: parseInt(info["maxmemory"]), UsedMemory: parseInt(info["used_memory"]),
		Replicas: int(parseInt(info["connected_slaves"])), Durability: Memory,
	}
	if n := info["server_name"]; n != "" {
		s.Name = n
	}
	if v := info["valkey_version"]; v != "" {
		s.Name, s.Version = "valkey", v
	}
	if info["aof_enabled"] == "1" {
		s.Durability = l.fsync(ctx)
	}
	return s, s.check(info, allowEviction)
}

func (s Server) check(info map[string]string, allowEviction bool) error {
	major, _, _ := strings.Cut(s.Version, ".")
	if n, err := strconv.Atoi(major); err != nil || n < 7 {
		return fmt.Errorf("%w: %s %s: redis 7.0 or valkey 7.2 is needed", task.ErrUnsafe, s.Name, s.Version)
	}
	if info["role"] == "slave" {
		return fmt.Errorf("%w: this server is a read-only replica of %s", task.ErrUnsafe, info["master_host"])
	}
	if info["master_replid"] == "" {
		return fmt.Errorf("%w: INFO replication has no master_replid", task.ErrUnsafe)
	}
	if info["arch_bits"] == "32" { // its string.format('%d') ends at 2^31
		return fmt.Errorf("%w: a 32-bit server: scripts need 64", task.ErrUnsafe)
	}
	if s.Policy != "noeviction" && !allowEviction {
		return fmt.Errorf("%w: maxmemory-policy is %s and may drop whole queues; want noeviction", task.ErrUnsafe, s.Policy)
	}
	return nil
}

// info reads INFO as a map. A Cluster answers from one of its nodes.
func (l *Log) info(ctx context.Context) (map[string]string, error) {
	text, err := l.db.Info(ctx).Result()
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil { // of a dial
		return nil, fmt.Errorf("%w: %w", task.ErrUnavailable, err)
	}
	if err != nil {
		return nil, mapError(err)
	}
	info := map[string]string{}
	for line := range strings.SplitSeq(text, "\n") {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[k] = v
		}
	}
	return info, nil
}

// fsync tells the AOF policy; where CONFIG is denied, the weaker is assumed.
func (l *Log) fsync(ctx context.Context) Durability {
	got, err := l.db.ConfigGet(ctx, "appendfsync").Result()
	if err == nil && got["appendfsync"] == "always" {
		return Always
	}
	return EverySecond
}
