package main

import "time"

// kind of a scenario; the drivers know the words.
type kind string

const (
	single kind = "single" // one task a call
	bulk   kind = "bulk"   // many tasks a call
	drain  kind = "drain"  // a backlog of no-op tasks
	pickup kind = "pickup" // from the enqueue call to the start of the handler
	late   kind = "late"   // from the due moment to the start of the handler
	space  kind = "bytes"  // what a ready task takes
)

// scenario is what all peers are asked to do. Its JSON is for drivers.
type scenario struct {
	Name        string `json:"name"`
	Kind        kind   `json:"kind"`
	Concurrency int    `json:"concurrency"` // callers of single, handlers of all others
	Rate        int    `json:"rate"`        // of pickup, tasks a second
	AOF         bool   `json:"-"`           // append-only file, fsync every second; else no persistence
}

var scenarios = []scenario{
	{Name: "enqueue one by one", Kind: single, Concurrency: 1},
	{Name: "enqueue from 64 goroutines", Kind: single, Concurrency: 64},
	{Name: "enqueue bulk", Kind: bulk, Concurrency: 1},
	{Name: "drain no-op, concurrency 1", Kind: drain, Concurrency: 1},
	{Name: "drain no-op, concurrency 64", Kind: drain, Concurrency: 64},
	{Name: "drain no-op, concurrency 64, AOF everysec", Kind: drain, Concurrency: 64, AOF: true},
	{Name: "pickup at 1000/s", Kind: pickup, Concurrency: 64, Rate: 1000},
	{Name: "pickup at 100/s", Kind: pickup, Concurrency: 64, Rate: 100},
	{Name: "lateness of delayed tasks", Kind: late, Concurrency: 64},
	{Name: "bytes of a ready task, 100 B payload", Kind: space, Concurrency: 1},
}

// metric is a thing measured.
type metric struct{ name, unit string }

// metrics of a kind, in the order of the report.
func (k kind) metrics() []metric {
	switch k {
	case single, bulk, drain:
		return []metric{{"rate", "tasks/s"}}
	case pickup, late:
		return []metric{{"p50", "ms"}, {"p99", "ms"}}
	case space:
		return []metric{{"bytes", "B"}}
	}
	panic("kind " + string(k))
}

// size is how much of it a round does.
type size struct {
	Tasks  int           // of a round of throughput, before a peer's scale
	Pickup time.Duration // how long tasks come
	Late   int           // delayed tasks
	Over   time.Duration // over which they are due
	Limit  time.Duration // of a round; a peer that takes longer is told as too slow
}

var (
	full  = size{Tasks: 100_000, Pickup: 5 * time.Second, Late: 2000, Over: 10 * time.Second, Limit: 3 * time.Minute}
	quick = size{Tasks: 5_000, Pickup: time.Second, Late: 200, Over: 2 * time.Second, Limit: time.Minute}
)

// tasks of a round of s, for a peer of this scale.
func (z size) tasks(s scenario, scale float64) int {
	n := int(float64(z.Tasks) * scale)
	switch {
	case s.Kind == pickup:
		return int(z.Pickup.Seconds() * float64(s.Rate))
	case s.Kind == late:
		return z.Late
	case s.Kind == single && s.Concurrency == 1:
		return min(n/4, z.Tasks/10)
	case s.Kind == drain && s.Concurrency == 1:
		return n / 5
	}
	return n
}
