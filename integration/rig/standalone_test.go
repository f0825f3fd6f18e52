package rig_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidemill/tidemill/integration/rig"
)

func TestKillAndRestart(t *testing.T) {
	t.Parallel()
	for persistence, kept := range map[string]int{rig.None: 0, rig.Everysec: 10, rig.Always: 10} {
		t.Run(persistence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, rig.Config{Persistence: persistence})
			s, err := w.Primary(t.Context())
			w.must(err)
			ids := w.enqueue(10)
			w.must(s.Written(t.Context()))
			w.must(s.Kill())
			w.must(s.Restart(t.Context()))
			w.want(append(w.enqueue(1), ids...), kept+1)
		})
	}
}

// What was written after the moment is gone, what was written before is not.
func TestCutAOF(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rig.Config{Persistence: rig.Everysec, Dir: t.TempDir()})
	s := w.Servers()[0]
	old := w.enqueue(10)
	w.must(s.Written(t.Context()))
	written := time.Now()
	w.until("a sample of the first tasks", func() bool {
		all := s.AOFSizes()
		return all[len(all)-1].At.After(written)
	})
	between := time.Now()
	lost := w.enqueue(10)
	w.must(s.Written(t.Context()))
	cut, err := s.CutAOF(t.Context(), time.Since(between))
	w.must(err)
	if cut.From <= cut.To || cut.To == 0 || cut.At.After(between) {
		t.Errorf("got %+v, want a cut before %v", cut, between)
	}
	w.want(append(w.enqueue(1), old...), 11)
	w.want(lost, 0)

	cut, err = s.CutAOF(t.Context(), time.Hour) // older than the server
	w.must(err)
	w.want(w.enqueue(1), 1)
	t.Logf("%+v", cut)
}

// A script is there as a whole or not at all.
func TestTearAOF(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rig.Config{Persistence: rig.Always})
	s := w.Servers()[0]
	ids := w.enqueue(10)
	_, err := s.TearAOF(t.Context(), 3)
	w.must(err)
	w.want(append(w.enqueue(1), ids...), 10)
}

func TestPause(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rig.Config{})
	s := w.Servers()[0]
	ids := w.enqueue(1)
	w.must(s.Pause())
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := s.Client().Ping(ctx).Err(); err == nil {
		t.Error("a paused server answered")
	}
	w.must(s.Resume())
	w.want(append(w.enqueue(1), ids...), 2)
	w.must(s.Pause())
	w.must(w.Heal(t.Context()))
	w.enqueue(1)
}

// A client of a replica is refused until that is promoted, and then goes on.
func TestReplica(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rig.Config{})
	old := w.Servers()[0]
	ids := w.enqueue(1)
	s, err := w.AddReplica(t.Context())
	w.must(err)
	w.log = w.open(s.URL())
	var promoting sync.WaitGroup
	promoting.Go(func() {
		w.until("the replica refuses", func() bool {
			return strings.Contains(s.Client().Info(t.Context(), "errorstats").Val(), "errorstat_READONLY")
		})
		w.check(w.Promote(t.Context(), s))
	})
	w.want(append(w.enqueue(1), ids...), 2)
	promoting.Wait()
	if w.URL() != s.URL() {
		t.Errorf("url is %s, want %s", w.URL(), s.URL())
	}
	w.must(old.Kill())
	w.must(w.Heal(t.Context()))
	if info := old.Client().Info(t.Context(), "replication").Val(); !strings.Contains(info, "role:slave") {
		t.Errorf("the old primary came back as %s", info)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		config rig.Config
		want   error
	}{
		"topology":    {rig.Config{Topology: "ring"}, rig.ErrUsage},
		"persistence": {rig.Config{Persistence: "paper"}, rig.ErrUsage},
		"binary":      {rig.Config{Binary: "/no/such/server"}, rig.ErrMissing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r, err := rig.Start(t.Context(), tt.config); !errors.Is(err, tt.want) || r != nil {
				t.Errorf("got %v, %v, want %v", r, err, tt.want)
			}
		})
	}
	w := newWorld(t, rig.Config{})
	s := w.Servers()[0]
	for name, request := range map[string]func(context.Context) error{
		"failover":     func(ctx context.Context) error { _, err := w.Failover(ctx); return err },
		"lose tail":    func(ctx context.Context) error { _, err := w.LoseTail(ctx, nil); return err },
		"cut":          func(ctx context.Context) error { _, err := s.CutAOF(ctx, time.Second); return err },
		"tear":         func(ctx context.Context) error { _, err := s.TearAOF(ctx, 1); return err },
		"kill primary": func(ctx context.Context) error { _, err := w.KillPrimary(ctx, 0); return err },
		"migrate slot": func(ctx context.Context) error { _, err := w.MigrateSlot(ctx, 0, s); return err },
	} {
		if err := request(t.Context()); !errors.Is(err, rig.ErrUsage) {
			t.Errorf("%s: got %v, want %v", name, err, rig.ErrUsage)
		}
	}
}
