package bench

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/task"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	m := metric{"rate", tasksPerSecond}
	for _, c := range []struct {
		name         string
		ours, floors []float64
		want         Result
	}{
		{"calm", []float64{90, 110, 100}, []float64{200, 190, 210}, Result{Tidemill: 100, Floor: 200, Ratio: 0.5, Min: 90, Max: 110}},
		{"even rounds", []float64{90, 110}, []float64{50, 50}, Result{Tidemill: 100, Floor: 50, Ratio: 2, Min: 90, Max: 110}},
		{"one round", []float64{7}, []float64{14}, Result{Tidemill: 7, Floor: 14, Ratio: 0.5, Min: 7, Max: 7, Note: onceNote}},
		{"the floor once", []float64{7, 8, 9}, []float64{16}, Result{Tidemill: 8, Floor: 16, Ratio: 0.5, Min: 7, Max: 9, Note: onceNote}},
		{"no floor", []float64{1, 9}, nil, Result{Tidemill: 5, Min: 1, Max: 9}},
		{"we are noisy", []float64{50, 100, 151}, []float64{200, 200, 200}, Result{Tidemill: 100, Floor: 200, Min: 50, Max: 151, Note: "too noisy to rank: spread 101 %"}},
		{"the floor is", []float64{100, 100, 100}, []float64{10, 200, 510}, Result{Tidemill: 100, Floor: 200, Min: 100, Max: 100, Note: "too noisy to rank: spread 250 %"}},
		{"at the bound", []float64{50, 100, 150}, []float64{200, 200}, Result{Tidemill: 100, Floor: 200, Ratio: 0.5, Min: 50, Max: 150}},
		{"nothing", []float64{0, 0}, []float64{0, 0}, Result{}},
	} {
		c.want.Scenario, c.want.Metric, c.want.Unit = "s", m.name, m.unit
		if diff := cmp.Diff(c.want, judge("s", m, c.ours, c.floors)); diff != "" {
			t.Errorf("%s: - want, + got:\n%s", c.name, diff)
		}
	}
}

func TestPercentiles(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]figures{
		1: {"p50": 1}, 99: {"p50": 50}, 100: {"p50": 51, "p99": 100}, 1000: {"p50": 501, "p99": 991, "p99.9": 1000},
	} {
		var times []time.Duration
		for i := range n {
			times = append(times, time.Duration(n-i)*time.Millisecond)
		}
		if diff := cmp.Diff(want, percentiles(times)); diff != "" {
			t.Errorf("of %d: - want, + got:\n%s", n, diff)
		}
	}
	if got := percentiles(nil); len(got) > 0 {
		t.Errorf("of none: got %v", got)
	}
}

func TestResultJSON(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]Result{
		`{"scenario":"s","metric":"m","unit":"u","tidemill":1,"floor":2,"ratio":0.5,"min":1,"max":1}`: {"s", "m", "u", 1, 2, 0.5, 1, 1, ""},
		`{"scenario":"s","metric":"","unit":"","tidemill":0,"min":0,"max":0,"note":"not run"}`:        {Scenario: "s", Note: "not run"},
	} {
		if got, err := json.Marshal(r); string(got) != want || err != nil {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]Options{
		"drain/64 crash": {Scenarios: []string{"crash", "drain/64"}},
		"enqueue/one enqueue/64 enqueue/bulk drain/16":       {Scenarios: []string{"enqueue", "drain/16"}},
		"enqueue/one enqueue/64 enqueue/bulk drain/16 crash": {Quick: true, Scenarios: []string{"enqueue", "drain/16", "crash"}},
		"enqueue/one enqueue/64 enqueue/bulk drain/64 pickup/1000 pickup/idle due/paced due/atonce due/release bytes/ready bytes/delayed bytes/done": {Quick: true},
	} {
		chosen, err := choose(o)
		var names []string
		for _, s := range chosen {
			names = append(names, s.name)
		}
		if got := strings.Join(names, " "); got != want || err != nil {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
	if all, err := choose(Options{}); len(all) != len(scenarios) || err != nil {
		t.Errorf("by default: got %d scenarios, %v, want all", len(all), err)
	}
	for _, name := range []string{"", "drain/", "drain/6", "drains", "/64"} {
		if _, err := choose(Options{Scenarios: []string{"crash", name}}); !errors.Is(err, ErrUnknownScenario) {
			t.Errorf("%q: got %v, want %v", name, err, ErrUnknownScenario)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		o    Options
		want error
	}{
		{Options{URL: "mem://x"}, ErrURL},
		{Options{Scenarios: []string{"x"}}, ErrUnknownScenario},
	} {
		if _, err := Run(t.Context(), c.o); !errors.Is(err, c.want) {
			t.Errorf("%+v: got %v, want %v", c.o, err, c.want)
		}
	}
	if _, err := Run(t.Context(), Options{Rounds: -1}); err == nil {
		t.Error("-1 rounds: got no error")
	}
}

// TestForeignKeys: a namespace in which anything is, is left alone.
func TestForeignKeys(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t, redisproc.Options{TCP: true}).URL()
	db := client(t, url)
	p := keys.New("bench", "default", 0)
	for _, key := range []string{
		keys.Registry("bench"), keys.Nodes("bench"), p.Tasks, p.Events, p.Meta, p.Chunk(0), p.Role("trimmer"),
		keys.New("bench", task.Queue("q3"), 3).Graves, floorPartition("bench").Tasks,
		keys.New("bench", task.Queue("mail"), 1).Events, p.Producer("x"), p.Unique("t", "k"), keys.Node("bench", "x"), "tm:{bench}:other",
	} {
		if err := db.Set(t.Context(), key, "theirs", 0).Err(); err != nil {
			t.Fatal(err)
		}
		if got, err := Run(t.Context(), Options{URL: url, Tasks: few, Scenarios: []string{"enqueue/bulk"}}); !errors.Is(err, ErrNotEmpty) || len(got) > 0 {
			t.Errorf("%s: got %v, %v, want %v", key, got, err, ErrNotEmpty)
		}
		left(t, db, key)
		if err := db.Del(t.Context(), key).Err(); err != nil {
			t.Fatal(err)
		}
	}
	theirs := []string{"other", "tm:other", keys.Registry("others"), keys.New("other2", "default", 0).Tasks}
	for _, key := range theirs {
		if err := db.Set(t.Context(), key, "theirs", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Run(t.Context(), Options{URL: url, Namespace: "other", Tasks: few, Rounds: 1, Scenarios: []string{"enqueue/bulk"}}); err != nil {
		t.Errorf("another namespace: %v", err)
	}
	slices.Sort(theirs)
	left(t, db, theirs...)
}
