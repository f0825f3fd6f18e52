package memserver

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"runtime/metrics"
	"slices"
	"strings"

	"github.com/alicebob/miniredis/v2/server"
)

// sections in the order in which Redis prints them.
var sections = []string{"server", "clients", "memory", "persistence", "stats", "replication"}

// info answers INFO in place of miniredis, which knows two sections.
type info struct {
	srv    *server.Server
	replid string // stands for the life of the data; a fence on it sees a restart
}

func newInfo(srv *server.Server) *info {
	id := make([]byte, 20)
	rand.Read(id) // never fails
	return &info{srv: srv, replid: hex.EncodeToString(id)}
}

// hook runs before every command, those of scripts included. The server's lock
// may be held by the script, so nothing here may want it.
func (i *info) hook(c *server.Peer, cmd string, args ...string) bool {
	if cmd != "INFO" {
		return false
	}
	c.WriteBulk(i.text(args))
	return true
}

// text of the sections asked for. As in Redis none means all, and one that
// does not exist is empty.
func (i *info) text(asked []string) string {
	all := len(asked) == 0
	want := map[string]bool{}
	for _, a := range asked {
		a = strings.ToLower(a)
		want[a] = true
		all = all || slices.Contains([]string{"all", "default", "everything"}, a)
	}
	var out []string
	for _, s := range sections {
		if all || want[s] {
			out = append(out, i.section(s))
		}
	}
	return strings.Join(out, "\r\n")
}

func (i *info) section(name string) string {
	switch name {
	case "server":
		return lines("# Server", "redis_version:7.0.0", "server_name:miniredis", "redis_mode:standalone")
	case "clients":
		return lines("# Clients", fmt.Sprint("connected_clients:", i.srv.ClientsLen()))
	case "memory":
		return lines("# Memory", fmt.Sprint("used_memory:", heap()), "maxmemory:0", "maxmemory_policy:noeviction")
	case "persistence":
		return lines("# Persistence", "loading:0", "rdb_last_save_time:0", "rdb_last_bgsave_status:ok", "aof_enabled:0")
	case "stats":
		return lines("# Stats",
			fmt.Sprint("total_connections_received:", i.srv.TotalConnections()),
			fmt.Sprint("total_commands_processed:", i.srv.TotalCommands()))
	case "replication":
		return lines("# Replication", "role:master", "connected_slaves:0", "master_replid:"+i.replid, "master_repl_offset:0")
	}
	panic("memserver: unknown INFO section " + name)
}

func lines(l ...string) string { return strings.Join(l, "\r\n") + "\r\n" }

// heap is what the whole process holds: the nearest that an in-process server
// has to a used_memory, and cheap to read.
func heap() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
