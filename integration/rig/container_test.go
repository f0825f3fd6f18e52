package rig_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/integration/rig"
	"github.com/tidemill/tidemill/internal/redistest"
)

func TestContainerKillAndRestart(t *testing.T) {
	t.Parallel()
	for persistence, kept := range map[string]int{rig.None: 0, rig.Everysec: 10, rig.Always: 10} {
		t.Run(persistence, func(t *testing.T) {
			t.Parallel()
			redistest.NeedDocker(t)
			w := newWorld(t, rig.Config{Topology: rig.Container, Persistence: persistence})
			s, url := w.Servers()[0], w.URL()
			ids := w.enqueue(10)
			w.must(s.Written(t.Context()))
			for range 2 {
				w.must(s.Kill())
				if pid := s.Pid(); pid != 0 {
					t.Errorf("pid %d after kill", pid)
				}
				w.must(s.Restart(t.Context()))
			}
			if s.URL() != url {
				t.Errorf("it came back at %s, want %s", s.URL(), url)
			}
			w.want(append(w.enqueue(1), ids...), kept+1)
		})
	}
}

func TestContainerPause(t *testing.T) {
	t.Parallel()
	redistest.NeedDocker(t)
	w := newWorld(t, rig.Config{Topology: rig.Container, Persistence: rig.Everysec})
	s := w.Servers()[0]
	ids := w.enqueue(1)
	w.must(s.Written(t.Context()))
	w.must(s.Pause())
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := s.Client().Ping(ctx).Err(); err == nil {
		t.Error("a paused container answered")
	}
	w.must(s.Resume())
	w.want(append(w.enqueue(1), ids...), 2)
	w.must(s.Pause())
	w.must(w.Heal(t.Context()))
	w.enqueue(1)
	w.must(s.Pause())
	w.must(s.Kill())
	w.must(w.Heal(t.Context()))
	w.want(append(w.enqueue(1), ids...), 2)
}

// The log is what is left of a container.
func TestContainerLeavesItsLog(t *testing.T) {
	t.Parallel()
	redistest.NeedDocker(t)
	w := newWorld(t, rig.Config{Topology: rig.Container, Dir: t.TempDir(), Args: []string{"--maxmemory", "3000000"}})
	s := w.Servers()[0]
	if got := s.Client().Info(t.Context(), "memory").Val(); !strings.Contains(got, "maxmemory:3000000\r") {
		t.Errorf("got %s", got)
	}
	w.must(w.Stop())
	text, err := os.ReadFile(filepath.Join(s.Dir(), "redis.log"))
	if err != nil || !strings.Contains(string(text), "Ready to accept connections") {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestContainerUsage(t *testing.T) {
	t.Parallel()
	redistest.NeedDocker(t)
	for name, tt := range map[string]struct {
		config rig.Config
		want   error
		says   string
	}{
		"env":    {rig.Config{Env: []string{"A=b"}}, rig.ErrUsage, "env"},
		"binary": {rig.Config{Binary: "redis-server"}, rig.ErrUsage, "binary"},
		"image":  {rig.Config{Image: "no/such:image"}, rig.ErrMissing, "no image no/such:image: make docker-image"},
	} {
		tt.config.Topology = rig.Container
		r, err := rig.Start(t.Context(), tt.config)
		if !errors.Is(err, tt.want) || r != nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: got %v, %v, want %v: %s", name, r, err, tt.want, tt.says)
		}
	}
	w := newWorld(t, rig.Config{Topology: rig.Container, Persistence: rig.Everysec})
	s := w.Servers()[0]
	for name, request := range map[string]func(context.Context) error{
		"cut":         func(ctx context.Context) error { _, err := s.CutAOF(ctx, time.Second); return err },
		"tear":        func(ctx context.Context) error { _, err := s.TearAOF(ctx, 1); return err },
		"add replica": func(ctx context.Context) error { _, err := w.AddReplica(ctx); return err },
		"lose tail":   func(ctx context.Context) error { _, err := w.LoseTail(ctx, nil); return err },
	} {
		if err := request(t.Context()); !errors.Is(err, rig.ErrUsage) {
			t.Errorf("%s: got %v, want %v", name, err, rig.ErrUsage)
		}
	}
	if s.Pid() == 0 {
		t.Error("what was refused has killed the server")
	}
}

// Without an engine the error is one line, and says so. Not parallel: the
// environment belongs to all.
func TestContainerWithoutEngine(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(t.TempDir(), "none.sock"))
	r, err := rig.Start(t.Context(), rig.Config{Topology: rig.Container})
	if !errors.Is(err, rig.ErrMissing) || r != nil {
		t.Fatalf("got %v, %v, want %v", r, err, rig.ErrMissing)
	}
	if text := err.Error(); !strings.Contains(text, "no Docker engine answers") || strings.Contains(text, "\n") {
		t.Errorf("got %q", text)
	}
}
