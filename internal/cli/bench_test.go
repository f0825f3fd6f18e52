package cli

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/bench"
	"github.com/tidemill/tidemill/internal/redistest"
)

func TestBenchTable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	(&app{out: &out}).benchTable([]bench.Result{
		{Scenario: "drain/64", Metric: "rate", Unit: "tasks/s", Tidemill: 78434.7, Floor: 104579.6, Ratio: 0.75, Min: 66390, Max: 94317},
		{Scenario: "pickup/idle", Metric: "p50", Unit: "ms", Tidemill: 0.252, Floor: 0.126, Ratio: 2, Min: 0.25, Max: 0.401},
		{Scenario: "pickup/idle", Metric: "p99", Unit: "ms", Tidemill: 1.5, Floor: 0.126, Min: 1, Max: 9, Note: "too noisy to rank: spread 533 %"},
		{Scenario: "idle/1", Note: "not run: needs x"},
		{Scenario: "with/plain", Metric: "enqueue", Unit: "tasks/s", Tidemill: 600, Floor: 100, Ratio: 6, Min: 500, Max: 700},
		{Scenario: "retry", Metric: "rate", Unit: "tasks/s", Tidemill: 1, Floor: 100, Ratio: 0.01, Min: 1, Max: 1},
		{Scenario: "due/paced", Metric: "p50", Unit: "ms", Tidemill: 12.34, Min: 11, Max: 13},
		{Scenario: "cost/one", Metric: "calls", Unit: "/task", Tidemill: 2, Floor: 5, Ratio: 0.4, Min: 2, Max: 2, Note: "one round: its spread is not known"},
		{Scenario: "drain/1", Metric: "rate", Unit: "tasks/s", Tidemill: 5, Floor: 2, Ratio: 2.5, Min: 5, Max: 5, Note: "one round: its spread is not known"},
		{Scenario: "bytes/delayed", Metric: "bytes", Unit: "B/task", Tidemill: 280, Min: 280, Max: 280, Note: "one round: its spread is not known"},
		{Scenario: "idle/2", Note: "not run: needs x"},
		{Scenario: "crash", Note: "not run: needs y"},
	})
	want := `
SCENARIO       METRIC   UNIT     TIDEMILL    MIN    MAX   FLOOR  RATIO  OF THE FLOOR
drain/64       rate     tasks/s     78435  66390  94317  104580   0.75  ========
pickup/idle    p50      ms           0.25   0.25   0.40    0.13   2.00  =====
pickup/idle    p99      ms           1.50   1.00   9.00    0.13      -  too noisy to rank: spread 533 %
with/plain     enqueue  tasks/s       600    500    700     100   6.00  ===================>
retry          rate     tasks/s      1.00   1.00   1.00     100   0.01  =
due/paced      p50      ms           12.3   11.0   13.0       -      -  -
cost/one       calls    /task        2.00   2.00   2.00    5.00  ~0.40  ~~~~~~~~~~~~~~~~~~~>
drain/1        rate     tasks/s      5.00   5.00   5.00    2.00  ~2.50  ~~~~~~~~~~~~~~~~~~~>
bytes/delayed  bytes    B/task        280    280    280       -      ~  -
~ measured once: the spread is not known, so it ranks nothing
not run: needs x: idle/1, idle/2
not run: needs y: crash
`
	if got := "\n" + out.String(); got != want {
		t.Errorf("got%s\nwant%s", got, want)
	}
}

func TestBenchProgress(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := &progress{w: &out, tty: true}
	showBench(p, bench.Progress{Scenario: "drain/64", Index: 2, Of: 3, Round: 2, Rounds: 2, Side: "floor", Elapsed: 12345 * time.Millisecond})
	want := "\r\x1b[K[===============               ] 2 of 3  drain/64: round 2 of 2, floor, after 12s"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestBenchProfile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	stop := errors.New("stop")
	if err := (&app{}).profiled(dir, func() error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v, want %v", err, stop)
	}
	for _, name := range []string{"cpu.pprof", "allocs.pprof"} {
		if s, err := os.Stat(filepath.Join(dir, name)); err != nil || s.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (&app{}).profiled("/dev/null/x", func() error { return nil }); err == nil {
		t.Error("a directory that cannot be: got no error")
	}
}

// The password of a Redis that cannot be measured is not told.
func TestBenchCanary(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"redis://:" + canary + "@127.0.0.1:1", "redis://u:12/" + canary + "@127.0.0.1", "redis://u:" + canary + "%zz@127.0.0.1", canary,
	} {
		c := &console{T: t, url: url, ns: "default"}
		r := c.run("bench", "--scenario", "enqueue/bulk")
		if r.code == exitOK || strings.Contains(r.out+r.err, "canary") || strings.Contains(r.out+r.err, "s3cr3t") {
			t.Errorf("with %s: got %d, %s%s", url, r.code, r.out, r.err)
		}
	}
}

// An interrupted run prints what it has and leaves nothing behind.
func TestBenchInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.URL(t))
	p := w.start("bench", "--redis", w.url, "--namespace", w.ns, "--tasks", "20000", "--rounds", "1", "--scenario", "enqueue/bulk,due/paced")
	w.eventually("delayed tasks wait", func() bool { return w.stats().Waiting > 0 })
	p.signal(os.Interrupt)
	out, err := io.ReadAll(p.stdout)
	if err != nil {
		t.Fatal(err)
	}
	p.end(exitInterrupted)
	contains(t, string(out), "\nenqueue/bulk  rate ")
	all, err := w.eng.Stats(t.Context())
	if len(all.Queues) > 0 || err != nil {
		t.Errorf("got %v, %v, want no queue", all.Queues, err)
	}
}
