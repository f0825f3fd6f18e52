package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/engine"
)

// Options configure a run.
type Options struct {
	URL      string // of a redis:// or unix:// server that nobody else uses
	Only     string // scenarios whose name contains this; default all
	Rounds   int    // default 5
	Tasks    int    // of a round of the throughput scenarios; default 100,000
	Progress func(scenario string, round, rounds int)
}

// Result is one figure. Higher is better for rates, lower for times and bytes.
type Result struct {
	Scenario string  `json:"scenario"`
	Metric   string  `json:"metric"`
	Unit     string  `json:"unit"`
	Tidemill float64 `json:"tidemill"`
	Floor    float64 `json:"floor"` // 0: there is none
	Ratio    float64 `json:"ratio"` // tidemill / floor
	Min      float64 `json:"min"`   // of tidemill, over the rounds
	Max      float64 `json:"max"`
}

// figures are what one round of one side measured, by metric.
type figures map[string]float64

// side measures one round.
type side func(ctx context.Context, r *run) (figures, error)

// scenario is measured by both sides in turns; floor may be nil.
type scenario struct {
	name     string
	units    map[string]string
	tidemill side
	floor    side
}

// run is what a round needs.
type run struct {
	opts  Options
	db    *redis.Client
	round int
	name  string // of this round: namespace and key prefix
}

// Run measures all scenarios.
func Run(ctx context.Context, o Options) ([]Result, error) {
	if o.Rounds == 0 {
		o.Rounds = 5
	}
	if o.Tasks == 0 {
		o.Tasks = 100_000
	}
	parsed, err := redis.ParseURL(o.URL)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	parsed.Protocol, parsed.PoolSize, parsed.MaxRetries = 2, 128, -1
	db := redis.NewClient(parsed)
	defer db.Close()
	var all []Result
	for _, s := range scenarios {
		if !strings.Contains(s.name, o.Only) {
			continue
		}
		got, err := s.measure(ctx, &run{opts: o, db: db})
		if err != nil {
			return all, fmt.Errorf("bench %s: %w", s.name, err)
		}
		all = append(all, got...)
	}
	return all, nil
}

// measure runs the rounds, both sides in turn.
func (s scenario) measure(ctx context.Context, r *run) ([]Result, error) {
	ours, floors := map[string][]float64{}, map[string][]float64{}
	for r.round = range r.opts.Rounds {
		if r.opts.Progress != nil {
			r.opts.Progress(s.name, r.round+1, r.opts.Rounds)
		}
		for _, half := range []struct {
			side side
			into map[string][]float64
		}{{s.tidemill, ours}, {s.floor, floors}} {
			if half.side == nil {
				continue
			}
			r.name = fmt.Sprintf("bench-%d-%d", time.Now().UnixNano(), r.round)
			got, err := half.side(ctx, r)
			if err != nil {
				return nil, err
			}
			for m, v := range got {
				half.into[m] = append(half.into[m], v)
			}
			if err := r.clean(ctx); err != nil {
				return nil, err
			}
		}
	}
	return s.results(ours, floors), nil
}

func (s scenario) results(ours, floors map[string][]float64) []Result {
	var out []Result
	for metric, unit := range s.units {
		v := ours[metric]
		slices.Sort(v)
		res := Result{Scenario: s.name, Metric: metric, Unit: unit, Tidemill: median(v), Min: v[0], Max: v[len(v)-1]}
		if f := floors[metric]; len(f) > 0 {
			slices.Sort(f)
			res.Floor = median(f)
			res.Ratio = res.Tidemill / res.Floor
		}
		out = append(out, res)
	}
	slices.SortFunc(out, func(a, b Result) int { return compare(a.Metric, b.Metric) })
	return out
}

func compare(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

// median of a sorted list.
func median(v []float64) float64 {
	if len(v)%2 == 1 {
		return v[len(v)/2]
	}
	return (v[len(v)/2-1] + v[len(v)/2]) / 2
}

// clean removes the keys of a round. The server is ours alone, so scanning it
// is fair here.
func (r *run) clean(ctx context.Context) error {
	it := r.db.Scan(ctx, 0, "*"+r.name+"*", 1000).Iterator()
	for it.Next(ctx) {
		if err := r.db.Del(ctx, it.Val()).Err(); err != nil {
			return err
		}
	}
	return it.Err()
}

// open makes an engine in the namespace of the round.
func (r *run) open(ctx context.Context, o engine.Options) (*engine.Engine, error) {
	o.Namespace = r.name
	return engine.Open(ctx, r.opts.URL, o)
}

// rate is n things a second.
func rate(n int, since time.Time) float64 { return float64(n) / time.Since(since).Seconds() }

// percentile of times, in ms.
func percentile(d []time.Duration, p float64) float64 {
	slices.Sort(d)
	return float64(d[min(len(d)-1, int(float64(len(d))*p))].Microseconds()) / 1000
}
