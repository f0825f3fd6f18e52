package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime/pprof"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/internal/keys"
)

const (
	warmTasks   = 2000
	longRounds  = 3                // of a scenario whose rounds take long
	cleanWithin = 30 * time.Second // after an interrupt
	leftWithin  = 50 * time.Millisecond
)

// run is what a round of one side needs.
type run struct {
	opts   Options
	server *server
	url    string          // for engines: the server's, or of a delay before it
	db     *redis.Client   // for the floor: the same way
	floor  *keys.Partition // where the floor's stream is
}

func newRun(o Options, s *server) *run {
	return &run{opts: o, server: s, url: s.url, db: s.db, floor: floorPartition(o.Namespace)}
}

// share is so many percent of the tasks of a round, one at least.
func (r *run) share(percent float64) int { return max(1, int(float64(r.opts.Tasks)*percent/100)) }

// lasting scales a time as share scales a count: d at 100,000 tasks, with a minimum.
func (r *run) lasting(d, least time.Duration) time.Duration {
	return max(least, d*time.Duration(r.opts.Tasks)/100_000)
}

// open makes an engine in the namespace of the run.
func (r *run) open(ctx context.Context, o engine.Options) (*engine.Engine, error) {
	o.Namespace = r.opts.Namespace
	return engine.Open(ctx, r.url, o)
}

// measureAll runs scenario after scenario. When ctx ends it returns what it has.
func (l *lab) measureAll(ctx context.Context, chosen []scenario) ([]Result, error) {
	var all []Result
	for i, s := range chosen {
		if lack := l.lacks(s.needs); lack != 0 {
			all = append(all, Result{Scenario: s.name, Note: "not run: needs " + lack.String()})
			continue
		}
		got, err := l.measure(ctx, s, Progress{Scenario: s.name, Index: i + 1, Of: len(chosen)})
		all = append(all, got...)
		if errors.Is(err, errTooSlow) { // the others may be measured all the same
			all = append(all, Result{Scenario: s.name, Note: "not measured: " + errTooSlow.Error()})
			continue
		}
		if err != nil {
			return all, fmt.Errorf("bench %s: %w", s.name, err)
		}
	}
	return all, nil
}

// measure runs the rounds of a scenario, both sides in turn.
func (l *lab) measure(ctx context.Context, s scenario, p Progress) ([]Result, error) {
	ours, floors := map[string][]float64{}, map[string][]float64{}
	p.Rounds = l.opts.Rounds
	if s.long {
		p.Rounds = min(p.Rounds, longRounds)
	}
	began := time.Now()
	for p.Round = 1; p.Round <= p.Rounds; p.Round++ {
		if l.opts.Quick && p.Round > 1 && l.late(time.Since(began), p) {
			break
		}
		for _, half := range []struct {
			name string
			side side
			into map[string][]float64
		}{{"tidemill", s.tidemill, ours}, {"floor", s.floor, floors}} {
			if half.side == nil {
				continue
			}
			p.Side = half.name
			l.tell(p)
			got, err := l.half(ctx, s, half.name, half.side)
			if err != nil {
				return s.results(ours, floors), err
			}
			for m, v := range got {
				half.into[m] = append(half.into[m], v)
			}
		}
	}
	return s.results(ours, floors), nil
}

// late says whether one more round would take more than this scenario may: twice
// its part of the time that is left, since most scenarios need less than theirs.
func (l *lab) late(took time.Duration, p Progress) bool {
	left := quickLimit - time.Since(l.began) + took
	return took+took/time.Duration(p.Round-1) > min(left, 2*left/time.Duration(p.Of-p.Index+1))
}

func (l *lab) tell(p Progress) {
	if l.opts.Progress == nil {
		return
	}
	p.Elapsed = time.Since(l.began)
	if l.opts.Quick {
		p.Limit = quickLimit
	}
	l.opts.Progress(p)
}

// warm does, once a server, what makes first rounds slower than others: it dials
// the connections of the floor, loads the scripts, and lets both heaps grow.
func (l *lab) warm(ctx context.Context, s *server) error {
	if s.warm {
		return nil
	}
	s.warm = true
	r := newRun(l.opts, s)
	r.opts.Tasks = min(r.opts.Tasks, warmTasks)
	err := spreadOver(64, 640, func() error { return s.db.Ping(ctx).Err() })
	for _, half := range []side{there(shape{queues: 1}), floorThere(0)} {
		if err == nil {
			_, err = half(ctx, r)
		}
		if ctx.Err() != nil {
			return errors.Join(context.Cause(ctx), l.abandon(ctx, s))
		}
		if err == nil {
			err = s.remove(ctx, l.opts.Namespace)
		}
	}
	return err
}

// half measures one round of one side and removes what it left. Profiles tell
// it by its labels.
func (l *lab) half(ctx context.Context, s scenario, name string, measure side) (got figures, err error) {
	srv, err := l.server(ctx, s.persistence)
	if err != nil {
		return nil, err
	}
	if err := l.warm(ctx, srv); err != nil {
		return nil, err
	}
	r := newRun(l.opts, srv)
	if s.delay > 0 {
		end, err := r.slow(s.delay)
		if err != nil {
			return nil, err
		}
		defer end()
	}
	pprof.Do(ctx, pprof.Labels("scenario", s.name, "side", name), func(ctx context.Context) {
		got, err = measure(ctx, r)
	})
	if ctx.Err() != nil { // then no figure means anything
		return nil, errors.Join(context.Cause(ctx), l.abandon(ctx, srv))
	}
	return got, errors.Join(err, srv.remove(ctx, l.opts.Namespace))
}

// abandon cleans up after an interrupt. A server of the run's own, which the same
// signal may have ended, takes everything with it.
func (l *lab) abandon(ctx context.Context, s *server) error {
	if s.proc != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanWithin)
	defer cancel()
	_ = wait(ctx, leftWithin) // a call that was left may still be on its way
	return s.remove(ctx, l.opts.Namespace)
}

// results of the rounds that were run, in the order of the metrics.
func (s scenario) results(ours, floors map[string][]float64) []Result {
	var out []Result
	for _, m := range s.metrics {
		if len(ours[m.name]) > 0 {
			out = append(out, judge(s.name, m, ours[m.name], floors[m.name]))
		}
	}
	return out
}
