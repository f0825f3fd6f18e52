package cli

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tidemill/tidemill/streams"
)

// identity tells what answers, and whether an engine would open it.
func (d *doctor) identity(refused error) {
	role := "master"
	if d.info["role"] == "slave" {
		role = "replica of " + d.info["master_host"] + ":" + d.info["master_port"]
	}
	up, _ := strconv.Atoi(d.info["uptime_in_seconds"])
	d.ok("server", "%s %s, %s, %s with %s, up %s", d.server.Name, d.server.Version, d.server.Mode, role,
		count(d.server.Replicas, "replica"), short(time.Duration(up)*time.Second))
	if refused != nil {
		d.bad("preflight", d.remedy(), "%v", refused)
	} else {
		d.ok("preflight", "safe for tasks: version, role and maxmemory-policy %s", d.server.Policy)
	}
	if v := d.server.Version; d.server.Name == "redis" && strings.HasPrefix(v, "7.2.") && len(v) == 5 && v < "7.2.5" {
		d.warn("version", "7.2.5 is the first without it", "blocked reads may last longer than they should (redis#12998)")
	}
}

// remedy is what to do about a refusal.
func (d *doctor) remedy() string {
	switch {
	case d.info["role"] == "slave":
		return "name its master with --redis URL, or use redis+sentinel:// or redis+cluster://"
	case d.server.Policy != "noeviction":
		return "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf"
	default:
		return "use Redis 7.0 or newer, or Valkey"
	}
}

// memory: a full Redis refuses enqueues, one without a limit is ended by the kernel.
func (d *doctor) memory() {
	used, limit := d.server.UsedMemory, d.server.MaxMemory
	switch {
	case d.inMemory:
		d.ok("memory", "%s in this process", bytesOf(used))
	case limit == 0:
		d.warn("memory", "set maxmemory below what the machine has: then enqueues are refused and work goes on",
			"%s used, no maxmemory: when the machine is full, the kernel ends Redis", bytesOf(used))
	case used >= limit:
		d.bad("memory", "raise maxmemory, let workers drain, or shorten the retention", "full: %s used of %s, enqueues are refused", bytesOf(used), bytesOf(limit))
	case used >= limit/10*8:
		d.warn("memory", "raise maxmemory, or shorten the retention", "%s used of %s: enqueues are refused when it is full", bytesOf(used), bytesOf(limit))
	default:
		d.ok("memory", "%s used of %s", bytesOf(used), bytesOf(limit))
	}
}

// persistence puts the durability level in words, and tells of writes that fail.
func (d *doctor) persistence() {
	switch d.server.Durability {
	case streams.EverySecond:
		d.ok("persistence", "%s: a killed Redis loses nothing, a power cut the last second", d.server.Durability)
	case streams.Always:
		d.ok("persistence", "%s: a power cut loses nothing that was acknowledged", d.server.Durability)
	case streams.Memory:
		if d.inMemory {
			d.warn("persistence", "name a Redis with --redis URL", "mem://: everything ends with this process")
			break
		}
		d.warn("persistence", "appendonly yes in redis.conf, or CONFIG SET appendonly yes", "memory: a restart loses what was written since the last snapshot, if there are any")
	}
	for _, field := range []string{"rdb_last_bgsave_status", "aof_last_write_status", "aof_last_bgrewrite_status"} {
		if s, ok := d.info[field]; ok && s != "ok" {
			d.bad("persistence", "is the disk full? see the server's log", "%s is %s: Redis may refuse all writes until it succeeds", field, s)
		}
	}
}

// clients: a Redis at its limit refuses new nodes.
func (d *doctor) clients() {
	n, _ := strconv.Atoi(d.info["connected_clients"])
	limit, _ := strconv.Atoi(d.info["maxclients"])
	if limit > 0 && n >= limit/10*8 {
		d.warn("clients", "raise maxclients, or look who connects: CLIENT LIST", "%d of %d connections are taken", n, limit)
	}
}

// address: what stands on a command line, ps shows to everybody on the machine; and
// TLS that verifies nothing keeps nobody out.
func (d *doctor) address(flag, address string) {
	if u, err := url.Parse(flag); err == nil {
		if _, ok := u.User.Password(); ok {
			d.warn("password", "leave --redis out and put the URL into TIDEMILL_REDIS", "it is on the command line, which ps shows to everybody on this machine")
		}
	}
	if u, err := url.Parse(address); err == nil && u.Scheme == "rediss" && u.Query().Has("skip_verify") {
		d.warn("tls", "leave skip_verify out; SSL_CERT_FILE may name the authority", "the server's certificate is not verified: anybody may pass for it")
	}
}

// Bounds of a healthy clock and way.
const (
	clockDrift = time.Second
	farAway    = 50 * time.Millisecond
)

// clock compares this machine with Redis, whose clock releases tasks. Deadlines,
// and moments given by At, are judged by the machines' own clocks.
func (d *doctor) clock(ctx context.Context) {
	best, drift := time.Hour, time.Duration(0)
	for range 3 {
		sent := time.Now()
		now, err := d.log.Now(ctx)
		if err != nil {
			d.bad("clock", "", "%v", err)
			return
		}
		if trip := time.Since(sent); trip < best {
			best, drift = trip, sent.Add(trip/2).Sub(now)
		}
	}
	d.timing(drift, best)
}

func (d *doctor) timing(drift, trip time.Duration) {
	text := fmt.Sprintf("this machine is %s from the clock of Redis, round trip %s", short(drift.Abs()), short(trip))
	switch {
	case drift.Abs() > clockDrift+trip:
		d.warn("clock", "run NTP on both: moments given by --at and deadlines are off by as much", "%s", text)
	case trip > farAway:
		d.warn("clock", "every batch costs a round trip: run workers near their Redis", "%s", text)
	default:
		d.ok("clock", "%s", text)
	}
}
