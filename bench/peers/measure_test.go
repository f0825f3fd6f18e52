package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemill/tidemill/internal/redisproc"
)

func TestPercentile(t *testing.T) {
	t.Parallel()
	var d []time.Duration
	for i := 100; i > 0; i-- {
		d = append(d, time.Duration(i)*time.Millisecond)
	}
	for p, want := range map[float64]float64{0: 1, 0.50: 51, 0.99: 100, 1: 100} {
		if got := percentile(d, p); got != want {
			t.Errorf("percentile %v of 1..100 ms: got %v, want %v", p, got, want)
		}
	}
	if got := percentile([]time.Duration{1500 * time.Microsecond}, 0.99); got != 1.5 {
		t.Errorf("of one: got %v, want 1.5", got)
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	if got := median([]float64{1, 2, 9}); got != 2 {
		t.Errorf("of three: got %v, want 2", got)
	}
	if got := median([]float64{1, 2, 4, 9}); got != 3 {
		t.Errorf("of four: got %v, want 3", got)
	}
}

func TestStamp(t *testing.T) {
	t.Parallel()
	past, future := stamp(time.Now().Add(-time.Minute)), stamp(time.Now().Add(time.Minute))
	if len(past) != 100 || len(future) != 100 {
		t.Errorf("got %d and %d bytes, want 100", len(past), len(future))
	}
	if a := age(past); a < time.Minute || a > 2*time.Minute {
		t.Errorf("age of a minute ago: got %v", a)
	}
	if a := age(future); a > 0 || a < -time.Minute {
		t.Errorf("age of in a minute: got %v", a)
	}
}

func TestSpread(t *testing.T) {
	t.Parallel()
	var sum atomic.Int64
	if err := spread(7, 100, func(i int) error { sum.Add(int64(i)); return nil }); err != nil || sum.Load() != 4950 {
		t.Errorf("sum of 0..99: got %d, %v", sum.Load(), err)
	}
	bad := errors.New("bad")
	if err := spread(3, 100, func(int) error { return bad }); !errors.Is(err, bad) {
		t.Errorf("got %v, want %v", err, bad)
	}
}

func TestTasks(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios {
		for _, p := range peers {
			if n := (size{Tasks: minTasks, Pickup: time.Second, Late: 10}).tasks(s, p.scale); n < 1 {
				t.Errorf("%s, %s: %d tasks", s.Name, p.name, n)
			}
		}
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	b := &bench{rep: &Report{}, opts: options{progress: t.Logf}}
	d := &driver{about: []string{"/nonexistent/python"}, hint: "install it"}
	b.miss(&peer{name: "Celery"}, "", func() error { _, err := d.version(t.Context()); return err }())
	if m := b.rep.Missing; len(m) != 1 || m[0].Peer != "Celery" || !strings.Contains(m[0].Reason, "install it") {
		t.Errorf("got %+v", m)
	}
}

// TestRun measures the peers that need nothing but Redis, with few tasks.
func TestRun(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: it starts servers")
	}
	if _, ok := redisproc.Find(); !ok {
		t.Fatal("install redis-server or valkey-server")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, scenario := range []string{"enqueue", "drain no-op, concurrency 64", "bytes"} {
		var out, progress bytes.Buffer
		err := run(ctx, []string{"-quick", "-tasks", "1000", "-peers", "go-redis,tidemill,asynq,rmq", "-scenario", scenario}, &out, &progress)
		if err != nil {
			t.Fatalf("%s: %v\n%s", scenario, err, progress.String())
		}
		for _, name := range []string{"| go-redis ", "| tidemill ", "| asynq ", "| rmq "} {
			if !strings.Contains(out.String(), name) {
				t.Errorf("%s: no row of %s in\n%s", scenario, name, out.String())
			}
		}
	}
}
