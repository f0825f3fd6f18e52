package cli

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// server gives a console on a server of its own.
func server(t *testing.T, args ...string) *console {
	t.Helper()
	return newConsole(t, redistest.Start(t, redisproc.Options{Args: args, TCP: true}).URL())
}

// levels leaves of each finding its level and what it is about.
func levels(out string) string {
	var b strings.Builder
	for _, l := range rowsOf(out) {
		if f := strings.Fields(l); len(f) > 1 && !strings.HasPrefix(l, " ") {
			fmt.Fprintf(&b, "%s %s\n", f[0], f[1])
		}
	}
	return b.String()
}

func TestDoctorHealthy(t *testing.T) {
	t.Parallel()
	c := server(t, "--maxmemory", "1gb", "--appendonly", "yes")
	c.enqueue("ID", task.Birth{})
	s := c.join("CONSUMER")
	n := streams.Node{Name: "n1", Started: time.Now(), Queues: map[task.Queue]int{"mail": 1}, Holds: []string{s.Name()}}
	if err := c.log.Announce(t.Context(), n, time.Minute); err != nil {
		t.Fatal(err)
	}
	out := c.ok("doctor")
	c.same(levels(out), "ok server\nok preflight\nok memory\nok persistence\nok clock\nok nodes\nok queue")
	contains(t, out, "aof everysec: a killed Redis loses nothing, a power cut the last second\n")
	contains(t, out, "mail: 0 waiting, 1 ready, 0 running, 0 dead\n")
	contains(t, c.ok("doctor", "--json"), `{"level":"ok","what":"preflight","finding":"safe for tasks: version, role and maxmemory-policy noeviction"}`+"\n")
}

// TestDoctorOnRefusedServers: what the engine refuses is bad, and the rest is
// told all the same.
func TestDoctorOnRefusedServers(t *testing.T) {
	t.Parallel()
	c := server(t, "--maxmemory", "1gb", "--appendonly", "yes")
	c.enqueue("ID", task.Birth{})
	const verdict = "tidemill: 1 of 7 findings bad"
	c.raw(func(db *redis.Client) error {
		return db.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err()
	})
	out := c.fails(exitFailed, verdict, "doctor")
	contains(t, out, "bad   preflight    unsafe redis: maxmemory-policy is allkeys-lru and may drop whole queues; want noeviction\n")
	contains(t, out, "hint: CONFIG SET maxmemory-policy noeviction, and the same in redis.conf\n")
	contains(t, out, "warn  queue        mail: no node works on it, 1 task open\n")
	c.raw(func(db *redis.Client) error { return db.ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err() })
	c.raw(func(db *redis.Client) error { return db.ReplicaOf(t.Context(), "127.0.0.1", "1").Err() })
	out = c.fails(exitFailed, verdict, "doctor")
	contains(t, out, ", replica of 127.0.0.1:1 with 0 replicas, up ")
	contains(t, out, "bad   preflight    unsafe redis: this server is a read-only replica of 127.0.0.1\n")
	contains(t, out, "hint: name its master with --redis URL")
	contains(t, out, "warn  queue        mail: no node works on it, 1 task open\n")
}

func TestDoctorQueues(t *testing.T) {
	t.Parallel()
	c := newConsole(t, redistest.URL(t))
	id := c.enqueue("WAITING", task.Birth{In: time.Hour})
	c.enqueue("READY", task.Birth{})
	c.ok("pause", "mail", "--reason", "x")
	part := keys.New(c.ns, "mail", id.Partition())
	c.raw(func(db *redis.Client) error {
		old := float64(time.Now().Add(-time.Minute).UnixMilli())
		db.ZAdd(t.Context(), part.Waiting, redis.Z{Score: old, Member: id.String()})
		for _, gone := range []string{"01H00000000000000000000000", "01H00000000000000000000001"} {
			db.XGroupCreateConsumer(t.Context(), part.Tasks, keys.Group, gone)
		}
		return db.XReadGroup(t.Context(), &redis.XReadGroupArgs{Streams: []string{part.Tasks, ">"}, Group: keys.Group, Consumer: "01H00000000000000000000001", Count: 1}).Err()
	})
	out := c.run("doctor").out
	contains(t, out, "mail is paused, 0 tasks ready\n")
	contains(t, out, "hint: tidemill resume mail --reason TEXT\n")
	contains(t, out, "mail: no node works on it, 2 tasks open\n")
	contains(t, c.masked(out), "mail: a waiting task has been due for SPAN\n")
	contains(t, out, "mail: 2 consumers without a node, 1 delivery held: 01H00000000000000000000001, 01H00000000000000000000000\n")
}

func TestDoctorManyDead(t *testing.T) {
	t.Parallel()
	c := memory(t)
	c.manyDead(manyDead)
	out := c.ok("doctor")
	contains(t, out, "warn  queue        mail: 1000 dead tasks\n")
	contains(t, out, "warn  persistence  mem://: everything ends with this process\n")
	if strings.Contains(out, "consumers") {
		t.Errorf("a young consumer may not be announced yet: got %s", out)
	}
}

func TestDoctorJudgement(t *testing.T) {
	t.Parallel()
	srv := func(used, limit int64, level streams.Durability) doctor {
		return doctor{server: streams.Server{Name: "redis", Version: "7.2.4", UsedMemory: used, MaxMemory: limit, Durability: level}}
	}
	for want, judge := range map[string]func() doctor{
		"warn memory":               func() doctor { d := srv(1, 0, ""); d.memory(); return d },
		"ok memory":                 func() doctor { d := srv(79, 100, ""); d.memory(); return d },
		"warn memory 80 B used":     func() doctor { d := srv(80, 100, ""); d.memory(); return d },
		"bad memory":                func() doctor { d := srv(100, 100, ""); d.memory(); return d },
		"ok persistence aof always": func() doctor { d := srv(0, 0, streams.Always); d.persistence(); return d },
		"warn persistence":          func() doctor { d := srv(0, 0, streams.Memory); d.persistence(); return d },
		"bad persistence aof_last_write_status is err": func() doctor {
			d := srv(0, 0, streams.EverySecond)
			d.info = map[string]string{"aof_last_write_status": "err"}
			d.persistence()
			return d
		},
		"warn clients 80 of 100": func() doctor {
			d := doctor{info: map[string]string{"connected_clients": "80", "maxclients": "100"}}
			d.clients()
			return d
		},
		"ok clock":   func() doctor { var d doctor; d.timing(time.Second, time.Millisecond); return d },
		"warn clock": func() doctor { var d doctor; d.timing(-2*time.Second, time.Millisecond); return d },
		"warn clock this machine is 0s": func() doctor {
			var d doctor
			d.timing(0, time.Second)
			return d
		},
		"warn version": func() doctor { d := srv(0, 0, ""); d.identity(nil); return d },
	} {
		d := judge()
		last := d.found[len(d.found)-1]
		if got := fmt.Sprintf("%s %s %s", last.Level, last.What, last.Text); !strings.HasPrefix(got, want) {
			t.Errorf("got %s, want %s…", got, want)
		}
		if last.Level != "ok" && last.Hint == "" {
			t.Errorf("%s: no hint", want)
		}
	}
}
