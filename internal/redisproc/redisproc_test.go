package redisproc_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
)

func client(tb testing.TB, p *redisproc.Proc) *redis.Client {
	tb.Helper()
	o, err := redis.ParseURL(p.URL())
	if err != nil {
		tb.Fatal(err)
	}
	c := redis.NewClient(o)
	tb.Cleanup(func() { c.Close() })
	return c
}

func TestStart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, url string
		options   redisproc.Options
	}{
		{"unix", "unix://", redisproc.Options{}},
		{"tcp", "redis://127.0.0.1:", redisproc.Options{TCP: true}},
		{"own dir", "unix://", redisproc.Options{Dir: t.TempDir()}},
		{"long dir", "unix:///tmp/", redisproc.Options{Dir: longDir(t)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := redistest.Start(t, tt.options)
			if !strings.HasPrefix(p.URL(), tt.url) {
				t.Errorf("url: got %s, want %s…", p.URL(), tt.url)
			}
			if tt.options.Dir != "" && p.Dir() != tt.options.Dir {
				t.Errorf("dir: got %s, want %s", p.Dir(), tt.options.Dir)
			}
			c := client(t, p)
			for name, want := range map[string]string{"save": "", "appendonly": "no", "dir": p.Dir()} {
				got, err := c.ConfigGet(t.Context(), name).Result()
				if err != nil || got[name] != want {
					t.Errorf("%s: got %v, %v, want %q", name, got, err, want)
				}
			}
		})
	}
}

func TestSentinel(t *testing.T) {
	t.Parallel()
	p := redistest.Start(t, redisproc.Options{Sentinel: "sentinel monitor some 127.0.0.1 1 1\n"})
	c := client(t, p)
	id := c.Do(t.Context(), "sentinel", "myid").Val()
	if err := p.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := c.Do(t.Context(), "sentinel", "myid").Val(); got != id || id == nil {
		t.Errorf("got id %v after the restart, want %v", got, id)
	}
}

func TestEnvAndBinary(t *testing.T) {
	t.Parallel()
	found, _ := redisproc.Find()
	wrapper := filepath.Join(t.TempDir(), "wrapper")
	script := "#!/bin/sh\n" + `exec "` + found + `" "$@" --proc-title-template "$SOME"` + "\n"
	if err := os.WriteFile(wrapper, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	p := redistest.Start(t, redisproc.Options{Binary: wrapper, Env: []string{"SOME=thing"}})
	got, err := client(t, p).ConfigGet(t.Context(), "proc-title-template").Result()
	if err != nil || got["proc-title-template"] != "thing" {
		t.Errorf("got %v, %v, want thing", got, err)
	}
}

func TestRestartWithMore(t *testing.T) {
	t.Parallel()
	p := redistest.Start(t, redisproc.Options{})
	c := client(t, p)
	for _, tt := range []struct {
		want string
		once []string
	}{{"7", []string{"--databases", "7"}}, {"16", nil}} {
		if err := p.Restart(t.Context(), tt.once...); err != nil {
			t.Fatal(err)
		}
		if got, err := c.ConfigGet(t.Context(), "databases").Result(); err != nil || got["databases"] != tt.want {
			t.Errorf("got %v, %v, want %s", got, err, tt.want)
		}
	}
}

func longDir(t *testing.T) string {
	d := filepath.Join(t.TempDir(), strings.Repeat("long", 25))
	if err := os.Mkdir(d, 0o700); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestStopRemovesWhatStartMade(t *testing.T) {
	t.Parallel()
	p := redistest.Start(t, redisproc.Options{})
	for range 2 {
		if err := p.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(p.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("dir after stop: got %v, want %v", err, os.ErrNotExist)
	}
	if pid := p.Pid(); pid != 0 {
		t.Errorf("pid after stop: got %d, want 0", pid)
	}
	if err := p.Restart(t.Context()); err == nil {
		t.Error("restart after stop: got nil, want an error")
	}
}

func TestRestart(t *testing.T) {
	t.Parallel()
	ends := map[string]func(*redisproc.Proc) error{
		"running": func(*redisproc.Proc) error { return nil },
		"killed":  (*redisproc.Proc).Kill,
		"paused":  func(p *redisproc.Proc) error { return p.Signal(syscall.SIGSTOP) },
		"ended":   func(p *redisproc.Proc) error { return p.Signal(syscall.SIGTERM) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := redistest.Start(t, redisproc.Options{
				Args: []string{"--appendonly", "yes", "--appendfsync", "always"}, TCP: name == "killed",
			})
			c := client(t, p)
			if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
				t.Fatal(err)
			}
			pid, url := p.Pid(), p.URL()
			if err := end(p); err != nil {
				t.Fatal(err)
			}
			if err := p.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			if p.Pid() == pid || p.URL() != url {
				t.Errorf("got pid %d at %s, want another than %d at %s", p.Pid(), p.URL(), pid, url)
			}
			if got, err := c.Get(t.Context(), "k").Result(); err != nil || got != "v" {
				t.Errorf("got %q, %v, want v", got, err)
			}
		})
	}
}

func TestSignalWithoutProcess(t *testing.T) {
	t.Parallel()
	p := redistest.Start(t, redisproc.Options{})
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := p.Signal(syscall.SIGCONT); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("got %v, want %v", err, os.ErrProcessDone)
	}
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	redistest.Start(t, redisproc.Options{}) // there is a server to fail
	cause := errors.New("enough")
	over, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	for _, tt := range []struct {
		name    string
		ctx     context.Context
		options redisproc.Options
		want    string
	}{
		{"bad argument", t.Context(), redisproc.Options{Args: []string{"--no-such-thing", "1"}}, "no-such-thing"},
		{"no directory", t.Context(), redisproc.Options{Dir: "/does/not/exist"}, "no such file"},
		{"context is done", over, redisproc.Options{}, cause.Error()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := redisproc.Start(tt.ctx, tt.options)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v, want an error with %q", p, err, tt.want)
			}
		})
	}
}
