package rig_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tidemill/tidemill/integration/rig"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// world is a rig with a log on it.
type world struct {
	*testing.T
	*rig.Rig
	log *streams.Log
}

func newWorld(t *testing.T, c rig.Config) *world {
	t.Helper()
	redistest.URL(t) // not with -short
	start := time.Now()
	r, err := rig.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("started in %v", time.Since(start))
	w := &world{T: t, Rig: r}
	t.Cleanup(func() {
		w.must(r.Stop())
		for _, s := range append(r.Servers(), r.Sentinels()...) {
			if pid := s.Pid(); pid != 0 {
				t.Errorf("%s still runs: pid %d", s, pid)
			}
		}
	})
	w.log = w.open(r.URL())
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// check is must for goroutines.
func (w *world) check(err error) {
	w.Helper()
	if err != nil {
		w.Error(err)
	}
}

func (w *world) open(url string) *streams.Log {
	w.Helper()
	log, err := streams.New(url, streams.Options{})
	w.must(err)
	w.Cleanup(func() { log.Close() })
	return log
}

// enqueue must come to an end within 5 s, and returns an id for each task.
func (w *world) enqueue(n int) (ids []task.ID) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 5*time.Second)
	defer cancel()
	start := time.Now()
	for i := range n {
		got, err := w.log.Enqueue(ctx, []task.Birth{{Type: "t", Queue: "q", Payload: fmt.Append(nil, i)}})
		if err != nil {
			w.Fatalf("enqueue after %v: %v", time.Since(start), err)
		}
		ids = append(ids, got[0].ID)
	}
	if took := time.Since(start); took > 100*time.Millisecond {
		w.Logf("%d enqueued in %v", n, took)
	}
	return ids
}

// present counts those of ids that the log has.
func (w *world) present(ids []task.ID) (n int) {
	w.Helper()
	for _, id := range ids {
		_, err := w.log.Reader().Status(w.Context(), id)
		if err == nil {
			n++
		} else if !errors.Is(err, task.ErrNotFound) {
			w.Fatal(err)
		}
	}
	return n
}

func (w *world) want(ids []task.ID, n int) {
	w.Helper()
	if got := w.present(ids); got != n {
		w.Errorf("got %d of %d tasks, want %d", got, len(ids), n)
	}
}

// until asks again and again, for at most 10 s. Any goroutine may call it.
func (w *world) until(what string, holds func() bool) {
	w.Helper()
	limit := time.After(10 * time.Second)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-limit:
			w.Errorf("not within 10 s: %s", what)
			return
		case <-again.C:
		}
	}
}
