package bench

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
)

// few tasks: this asks whether the scenarios work, not what they measure.
const few = 200

// TestEveryScenario runs all of them once, so that none rots.
func TestEveryScenario(t *testing.T) {
	redistest.Start(t, redisproc.Options{TCP: true}) // or the test is skipped, or fails with what to install
	t.Setenv(envWorker, "1")
	all, err := Run(t.Context(), Options{Tasks: few, Rounds: 1, Worker: []string{os.Args[0]}, Progress: func(p Progress) {
		t.Logf("%v %s %s", p.Elapsed, p.Scenario, p.Side)
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scenarios {
		for _, m := range s.metrics {
			i := slices.IndexFunc(all, func(r Result) bool { return r.Scenario == s.name && r.Metric == m.name })
			switch {
			case i < 0 && strings.Contains(m.name, "p99"): // so few times have none
			case i < 0:
				t.Errorf("%s: no %s", s.name, m.name)
			case m.unit != bytesEach && m.unit != perSecond && all[i].Tidemill <= 0: // those are too small to be seen
				t.Errorf("%s %s: got %v", s.name, m.name, all[i])
			case s.floor != nil && m.unit == tasksPerSecond && all[i].Ratio == 0:
				t.Errorf("%s %s: no ratio to the floor: %v", s.name, m.name, all[i])
			}
		}
	}
}

// TestUsersRedis: what cannot be run there says so, and nothing is left behind.
func TestUsersRedis(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t, redisproc.Options{TCP: true}).URL()
	db := client(t, url)
	if err := db.Set(t.Context(), "theirs", "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	all, err := Run(t.Context(), Options{URL: url, Tasks: few, Rounds: 1, Scenarios: []string{"enqueue", "drain/64", "with", "crash", "idle"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		needs := strings.HasPrefix(r.Scenario, "idle") || slices.Contains([]string{"crash", "with/everysec", "with/always", "with/latency"}, r.Scenario)
		if r.Measured() == needs || needs != strings.HasPrefix(r.Note, "not run: needs ") {
			t.Errorf("got %+v", r)
		}
	}
	left(t, db, "theirs")
}

// TestUntracked: where Redis does not tell the names of producers' sessions, they
// are looked for, and no other key of theirs.
func TestUntracked(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t, redisproc.Options{TCP: true}).URL()
	db := client(t, url)
	if err := db.Do(t.Context(), "acl", "setuser", "u", "on", ">p", "~*", "&*", "+@all", "-client|tracking").Err(); err != nil {
		t.Fatal(err)
	}
	theirs := keys.New("benches", engine.DefaultQueue, 0).Producer("x")
	if err := db.Set(t.Context(), theirs, "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	_, err := Run(t.Context(), Options{URL: strings.Replace(url, "://", "://u:p@", 1), Tasks: few, Rounds: 1, Scenarios: []string{"enqueue/bulk"}})
	if err != nil {
		t.Fatal(err)
	}
	left(t, db, theirs)
}

// TestInterrupted: what was measured is returned, the namespace is emptied.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t, redisproc.Options{TCP: true}).URL()
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	all, err := Run(ctx, Options{URL: url, Tasks: few, Rounds: 2, Scenarios: []string{"enqueue/bulk", "pickup/idle", "drain"}, Progress: func(p Progress) {
		if p.Scenario == "pickup/idle" && p.Round == 2 {
			cancel(stop)
		}
	}})
	if !errors.Is(err, stop) {
		t.Errorf("got %v, want %v", err, stop)
	}
	if n := len(all); n == 0 || all[0].Scenario != "enqueue/bulk" || all[n-1].Scenario != "pickup/idle" {
		t.Errorf("got %v", all)
	}
	left(t, client(t, url))
}

// TestInterruptedWithin: the side that runs is ended, too.
func TestInterruptedWithin(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t, redisproc.Options{TCP: true}).URL()
	for _, s := range scenarios {
		if s.needs != 0 || s.long {
			continue
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		_, err := Run(ctx, Options{URL: url, Tasks: 20_000, Rounds: 1, Scenarios: []string{s.name}})
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want %v", s.name, err, context.Canceled)
		}
	}
	left(t, client(t, url))
}

func client(t *testing.T, url string) *redis.Client {
	t.Helper()
	db, err := connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// left compares the keys that are there.
func left(t *testing.T, db *redis.Client, want ...string) {
	t.Helper()
	got, err := db.Keys(context.WithoutCancel(t.Context()), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("keys: got %q, want %q", got, want)
	}
}
