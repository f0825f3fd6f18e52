package cli

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/task"
)

// TestUnusableRedis: each says what is wrong on one line and what to do on the
// next, within the time Open is given.
func TestUnusableRedis(t *testing.T) {
	t.Parallel()
	locked := server(t, "--requirepass", "secret")
	evicts := server(t, "--maxmemory-policy", "volatile-ttl")
	replica := server(t)
	replica.raw(func(db *redis.Client) error { return db.ReplicaOf(t.Context(), "127.0.0.1", "1").Err() })
	doctorHint := "hint: tidemill doctor --redis URL tells what would bite on this server"
	for name, test := range map[string]struct{ url, says, hint string }{
		"unreachable":   {"redis://127.0.0.1:1", "connection refused", "hint: is Redis running there? name another with --redis URL or TIDEMILL_REDIS"},
		"silent":        {silentServer(t), "redis unavailable", "hint: is Redis running there?"},
		"no password":   {locked.url, "access denied: NOAUTH", "hint: check user and password"},
		"a wrong one":   {strings.Replace(locked.url, "://", "://:wrong@", 1), "access denied: WRONGPASS", "hint: check user and password"},
		"evicts":        {evicts.url, "maxmemory-policy is volatile-ttl", doctorHint},
		"replica":       {replica.url, "read-only replica of 127.0.0.1", doctorHint},
		"unknown host":  {"redis://no-such-host.invalid", "redis unavailable", "hint: is Redis running there?"},
		"no such place": {"unix:///nowhere/redis.sock", "redis unavailable", "hint: is Redis running there?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &console{T: t, url: test.url, ns: "default"}
			began := time.Now()
			r := c.run("queues")
			if took := time.Since(began); took > 6*time.Second {
				t.Errorf("took %s", took)
			}
			said := rowsOf(r.err)
			if r.code != exitUnavailable || r.out != "" || len(said) != 2 || !strings.Contains(said[0], test.says) || !strings.HasPrefix(said[1], test.hint) {
				t.Errorf("got %+v", r)
			}
		})
	}
}

// silentServer accepts connections and never says a word.
func silentServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() }) // the connections wait in its backlog until then
	return "redis://" + l.Addr().String()
}

// TestDoctorWithoutRedis: what cannot be asked is no finding.
func TestDoctorWithoutRedis(t *testing.T) {
	t.Parallel()
	c := &console{T: t, url: "redis://127.0.0.1:1", ns: "default"}
	r := c.run("doctor")
	if r.code != exitUnavailable || r.out != "" || len(rowsOf(r.err)) != 2 {
		t.Errorf("got %+v", r)
	}
}

func TestBadURL(t *testing.T) {
	t.Parallel()
	c := &console{T: t, url: "http://localhost", ns: "default"}
	for _, verb := range []string{"queues", "doctor"} {
		c.fails(exitData, `tidemill: invalid option: redis url: scheme "http": want redis, rediss, unix, redis+sentinel, redis+cluster or mem`, verb)
	}
	c = &console{T: t, url: "mem://", ns: "a b"}
	c.fails(exitData, `tidemill: invalid name: namespace "a b": letters, digits and _.:- only, a letter or digit first`, "queues")
}

// TestInterrupted: commands that are cut short say so by their exit code.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	c := memory(t)
	c.enqueue("ID", task.Birth{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := c.runContext(ctx, "fsck"); r.code != exitInterrupted {
		t.Errorf("got %+v", r)
	}
}
