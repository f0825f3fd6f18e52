package engine_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
)

// expectNoOpen tries to open; it must fail in time, with one line that tells no
// password.
func expectNoOpen(t *testing.T, url string, o engine.Options, want error, text string) {
	t.Helper()
	at := time.Now()
	eng, err := engine.Open(t.Context(), url, o)
	if took := time.Since(at); took > 5500*time.Millisecond {
		t.Errorf("open took %v", took)
	}
	if err == nil {
		_ = eng.Close()
	}
	expectIs(t, "open", err, want)
	if err != nil && (!strings.Contains(err.Error(), text) || strings.ContainsAny(err.Error(), "\r\n") || strings.Contains(err.Error(), "s3cret")) {
		t.Errorf("got %q, want %q in one line, without a password", err, text)
	}
}

func TestOpenRefusesOptions(t *testing.T) {
	t.Parallel()
	for text, o := range map[string]engine.Options{
		`namespace "a b"`:                       {Namespace: "a b"},
		`namespace "` + strings.Repeat("n", 65): {Namespace: strings.Repeat("n", 65)},
		`queue "{}"`:                            {Queues: map[string]int{"{}": 1}},
		"queue is empty":                        {Queues: map[string]int{"": 1}},
		`Queues["q"]: concurrency 0`:            {Queues: map[string]int{"q": 0}},
		`Queues["q"]: concurrency -1`:           {Queues: map[string]int{"q": -1}},
		"Lease: 100ms":                          {Lease: 100 * time.Millisecond},
		"Lease: -1s":                            {Lease: -time.Second},
		"Drain: -1s":                            {Drain: -time.Second},
		"MaxPayload: -1":                        {MaxPayload: -1},
		"Retention":                             {Retention: engine.Retention{Age: -1}},
	} {
		want := engine.ErrInvalidOption
		if strings.HasPrefix(text, "namespace") || strings.HasPrefix(text, "queue") {
			want = engine.ErrInvalidName
		}
		expectNoOpen(t, "mem://", o, want, text)
	}
}

func TestOpenRefusesURLs(t *testing.T) {
	t.Parallel()
	for url, text := range map[string]string{
		"":                                   "scheme",
		"localhost:6379":                     "scheme",
		"http://user:s3cret@localhost":       `scheme "http"`,
		"redis+sentinel://:s3cret@a,b":       "master's name",
		"redis+sentinel://:s3cret@a/m/x":     `database "x"`,
		"redis://:s3cret@localhost/notanumb": "",
		"redis://:s3cret@local host":         "",
		"redis://:s3cret@localhost:port":     "",
		"\x00":                               "",
	} {
		expectNoOpen(t, url, engine.Options{}, engine.ErrInvalidOption, text)
	}
}

func TestOpenUnreachable(t *testing.T) {
	t.Parallel()
	closed := listen(t)
	_ = closed.Close()
	silent := listen(t) // connects, and never answers
	for name, url := range map[string]string{
		"refused":    "redis://:s3cret@" + closed.Addr().String(),
		"silent":     "redis://:s3cret@" + silent.Addr().String(),
		"no socket":  "unix:///nowhere/redis.sock",
		"no host":    "redis://no-such-host.invalid",
		"no tls":     "rediss://" + silent.Addr().String(),
		"no cluster": "redis+cluster://" + closed.Addr().String(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expectNoOpen(t, url, engine.Options{}, engine.ErrUnavailable, "open: ")
		})
	}
}

// TestOpenStopped: a server that hangs.
func TestOpenStopped(t *testing.T) {
	t.Parallel()
	p := redistest.Start(t, redisproc.Options{})
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	expectNoOpen(t, p.URL(), engine.Options{}, engine.ErrUnavailable, "open: ")
}

// TestOpenImpatient: the caller's context ends first.
func TestOpenImpatient(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	at := time.Now()
	_, err := engine.Open(ctx, "redis://"+listen(t).Addr().String(), engine.Options{})
	if took := time.Since(at); err == nil || took > 3500*time.Millisecond {
		t.Errorf("open: %v after %v", err, took)
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestOpenPassword(t *testing.T) {
	t.Parallel()
	p := redistest.Start(t, redisproc.Options{TCP: true, Args: []string{"--requirepass", "open sesame"}})
	addr := strings.TrimPrefix(p.URL(), "redis://")
	for name, login := range map[string]string{"none": "", "wrong": ":s3cret@", "unknown user": "me:s3cret@"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expectNoOpen(t, "redis://"+login+addr, engine.Options{}, engine.ErrDenied, "access denied")
			expectNoOpen(t, "redis://"+login+addr, engine.Options{}, engine.ErrUnavailable, "")
		})
	}
	t.Run("right", func(t *testing.T) {
		t.Parallel()
		newWorld(t, "redis://:open%20sesame@"+addr)
	})
}

func TestOpenReplica(t *testing.T) {
	t.Parallel()
	master := redistest.Start(t, redisproc.Options{TCP: true})
	host, port, _ := strings.Cut(strings.TrimPrefix(master.URL(), "redis://"), ":")
	replica := redistest.Start(t, redisproc.Options{Args: []string{"--replicaof", host + " " + port}})
	expectNoOpen(t, replica.URL(), engine.Options{}, engine.ErrUnsafe, "read-only replica of "+host)
}

func TestOpenEvicting(t *testing.T) {
	t.Parallel()
	p := redistest.Start(t, redisproc.Options{Args: []string{"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"}})
	expectNoOpen(t, p.URL(), engine.Options{}, engine.ErrUnsafe, "maxmemory-policy is allkeys-lru")
	eng, err := engine.Open(t.Context(), p.URL(), engine.Options{AllowEviction: true})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "policy", eng.Server().Policy, "allkeys-lru")
	if err := eng.Close(); err != nil {
		t.Error(err)
	}
}

// TestOpenOld: a server that says it is Redis 6.
func TestOpenOld(t *testing.T) {
	t.Parallel()
	for version, name := range map[string]string{"6.2.14": "redis", "5.0.0": "redis", "6.9": "valkey", "new": "redis"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			info := "redis_version:" + version + "\r\nrole:master\r\nmaster_replid:0123\r\nmaxmemory_policy:noeviction\r\n"
			if name == "valkey" {
				info += "valkey_version:" + version + "\r\n"
			}
			l := listen(t)
			go pretend(l, info)
			expectNoOpen(t, "redis://"+l.Addr().String(), engine.Options{}, engine.ErrUnsafe, name+" "+version)
		})
	}
}

// pretend answers INFO, until the listener is closed.
func pretend(l net.Listener, info string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			for in := bufio.NewScanner(c); in.Scan(); {
				switch strings.ToUpper(in.Text()) {
				case "INFO":
					fmt.Fprintf(c, "$%d\r\n%s\r\n", len(info), info)
				case "HELLO":
					fmt.Fprint(c, "-ERR unknown command\r\n")
				}
			}
		}()
	}
}

// TestOpenTells what it learned about the server.
func TestOpenTells(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--appendonly no":                         "memory",
		"--appendonly yes --appendfsync everysec": "aof everysec",
		"--appendonly yes --appendfsync always":   "aof always",
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			p := redistest.Start(t, redisproc.Options{Args: strings.Fields(args)})
			var told engine.Server
			eng, err := engine.Open(t.Context(), p.URL(), engine.Options{Observer: engine.Observer{Opened: func(s engine.Server) { told = s }}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = eng.Close() })
			expect(t, "durability", string(eng.Server().Durability), want)
			expect(t, "told", told, eng.Server())
		})
	}
}
