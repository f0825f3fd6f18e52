package streams_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// canary is a password, or a payload: no error tells it. Neither does a part of
// one that nobody has escaped in a URL.
const canary = "s3cr3t-canary"

// sings fails the test when an error tells a canary.
func sings(t *testing.T, what string, err error) {
	t.Helper()
	for _, text := range []string{fmt.Sprint(err), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
		if strings.Contains(text, "canary") || strings.Contains(text, "s3cr3t") {
			t.Errorf("%s: %s", what, text)
		}
	}
}

// Passwords in URLs that are no URLs.
func TestCanaryBadURL(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"http://:" + canary + "@localhost", canary, canary + "@localhost", "user:" + canary + "@localhost:6379", ":" + canary + "@localhost",
		"redis:" + canary + "@localhost", "redis:/:" + canary + "@localhost", "redis:///:" + canary + "@localhost",
		"redis://:" + canary + "@localhost/notanumber", "redis://:" + canary + "@local host", "redis://:" + canary + "@localhost:port",
		"redis://:" + canary + "%zz@localhost", "redis://:" + canary + "\x00@localhost", "redis://[:" + canary + "@localhost",
		"redis://:" + canary + "@localhost?nonsense=1", "unix://u:" + canary + "@run/redis.sock", "unix://u:1#" + canary + "@/redis.sock",
		"redis://localhost?password=" + canary, "redis://localhost?username=" + canary,
		"redis://:12/" + canary + "@localhost", "redis://u:12/" + canary + "@localhost:6379/0", "redis://:12?" + canary + "@localhost",
		"redis://:12#" + canary + "@localhost", "redis://:1?db=" + canary + "@localhost", "redis://u:1?dial_timeout=" + canary + "@localhost",
		"rediss://:12/" + canary + "@localhost", "unix://:12/" + canary + "@/tmp/s", "unix://:" + canary + "@", "unix://u:1?db=" + canary + "@/tmp/s",
		"redis+sentinel://:" + canary + "@a,b", "redis+sentinel://:" + canary + "@a/m/x", "redis+sentinel://:1/" + canary + "@a/m", "redis+sentinel://:1/m/" + canary + "@a/m",
		"redis+cluster://:1/" + canary + "@a", "mem://:" + canary + "@name", "mem://:12/" + canary + "@name",
	} {
		l, err := streams.New(url, streams.Options{})
		sings(t, "new "+url, err)
		if err == nil { // what it took for a host is not asked for
			_, err := l.Preflight(t.Context(), false)
			sings(t, "preflight "+url, err)
			_ = l.Close()
		}
	}
}

// Passwords in URLs of servers that cannot be used.
func TestCanaryUnusable(t *testing.T) {
	t.Parallel()
	locked := redistest.Start(t, redisproc.Options{Args: []string{"--requirepass", "another"}, TCP: true}).URL()
	with := func(url, user string) string {
		return strings.Replace(url, "://", "://"+user+":"+canary+"@", 1)
	}
	for name, url := range map[string]string{
		"wrong password": with(locked, ""), "wrong user": with(locked, "nobody"), "no tls": with(strings.Replace(locked, "redis", "rediss", 1), ""),
		"refused": with("redis://127.0.0.1:1", ""), "no host": with("redis://no-such-host.invalid", "u"), "no socket": with("unix:///nowhere/redis.sock", "u"),
		"no redis": with("redis://"+says(t, "HTTP/1.1 400 Bad Request\r\n"), "u"), "no cluster": with(strings.Replace(locked, "redis:", "redis+cluster:", 1), ""),
		"no sentinel": with("redis+sentinel://127.0.0.1:1/master", "u"), "no sentinel there": with(strings.Replace(locked, "redis:", "redis+sentinel:", 1)+"/master", ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := open(t, url, streams.Options{})
			_, err := l.Preflight(t.Context(), false)
			if err == nil {
				t.Error("preflight: got no error")
			}
			sings(t, "preflight", err)
			_, err = l.Enqueue(t.Context(), []task.Birth{{Type: "work", Queue: queue}})
			if err == nil {
				t.Error("enqueue: got no error")
			}
			sings(t, "enqueue", err)
		})
	}
}

// Payloads, headers and keys of births that are refused, or cannot be read.
func TestCanaryPayload(t *testing.T) {
	t.Parallel()
	p := redistest.Start(t, redisproc.Options{})
	r := newRig(t, p.URL(), streams.Options{})
	birth := task.Birth{
		Type: "work", Queue: queue, Payload: []byte(canary), Headers: map[string]string{"h": canary}, Key: canary, KeyTTL: 1,
	}
	refused := func(what string, want error, change func(b *task.Birth)) {
		t.Helper()
		b := birth
		if change != nil {
			change(&b)
		}
		_, err := r.log.Enqueue(r.ctx, []task.Birth{b})
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", what, err, want)
		}
		sings(t, what, err)
	}
	refused("no type", task.ErrInvalidName, func(b *task.Birth) { b.Type = "" })
	refused("no queue", task.ErrInvalidName, func(b *task.Birth) { b.Queue = "{}" })
	r.ready(1)
	r.must(r.db.ConfigSet(r.ctx, "maxmemory", "1").Err())
	refused("memory is full", task.ErrBackpressure, nil)
	r.must(r.db.ConfigSet(r.ctx, "maxmemory", "0").Err())
	r.must(r.db.Rename(r.ctx, r.k.Tasks, "aside").Err())
	r.must(r.db.Set(r.ctx, r.k.Tasks, canary, 0).Err())
	refused("a key of a stranger", task.ErrUnsafe, nil)
	r.must(r.db.Rename(r.ctx, "aside", r.k.Tasks).Err())
	r.must(r.db.HSet(r.ctx, r.k.Meta, "schema", "999").Err())
	refused("another schema", task.ErrSchema, nil)
	r.must(r.db.HSet(r.ctx, r.k.Meta, "schema", "1").Err())
	r.must(r.db.ZAdd(r.ctx, r.k.Dead, redis.Z{Member: r.ready(1)[0].String()}).Err())
	r.must(r.db.HSet(r.ctx, r.k.Graves, r.ready(1)[0].String(), canary).Err())
	sings(t, "a grave that cannot be read", first(r.log.Reader().Dead(r.ctx, streams.Filter{})))
	r.must(p.Kill())
	refused("no server", task.ErrUnavailable, nil)
	r.must(r.log.Close())
	refused("closed", task.ErrClosed, nil)
}
