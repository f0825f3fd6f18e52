package bench

import (
	"context"
	"regexp"
	"strconv"
	"time"
)

// timed measures work on n tasks: their rate, and what it asked of the server.
// What else goes on there counts, too: the costs are of a server of its own.
func (r *run) timed(ctx context.Context, n int, work func() error) (figures, error) {
	before, err := r.spent(ctx)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := work(); err != nil {
		return nil, err
	}
	took := time.Since(began).Seconds()
	after, err := r.spent(ctx)
	if err != nil {
		return nil, err
	}
	each := func(a, b float64) float64 { return (b - a) / float64(n) }
	return figures{
		"rate": float64(n) / took, "calls": each(before.calls+infos, after.calls),
		"commands": each(before.commands+infos, after.commands), "server cpu": 1e6 * each(before.cpu, after.cpu),
	}, nil
}

// infos are our own calls from one look at what was spent to the next.
const infos = 2

// spending of a server since it started.
type spending struct {
	calls    float64 // reads of a connection: round trips, unless a pipeline is long
	commands float64 // those inside scripts, too
	cpu      float64 // seconds
}

var statCalls = regexp.MustCompile(`(?m)^cmdstat_\S+:calls=(\d+)`)

func (r *run) spent(ctx context.Context) (s spending, err error) {
	stats, err := r.server.db.InfoMap(ctx, "stats", "cpu").Result()
	if err != nil {
		return s, err
	}
	s.calls, _ = strconv.ParseFloat(stats["Stats"]["total_reads_processed"], 64)
	for _, field := range []string{"used_cpu_user", "used_cpu_sys"} {
		v, _ := strconv.ParseFloat(stats["CPU"][field], 64)
		s.cpu += v
	}
	text, err := r.server.db.Info(ctx, "commandstats").Result()
	for _, m := range statCalls.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.ParseFloat(m[1], 64)
		s.commands += n
	}
	return s, err
}

// idling counts the calls, and the commands in them and in scripts, of an engine that has nothing to do.
func idling(s shape) side {
	return func(ctx context.Context, r *run) (figures, error) {
		if s.queues == 0 {
			eng, err := r.open(ctx, noOptions)
			if err != nil {
				return nil, err
			}
			defer eng.Close()
			return r.watchIdle(ctx)
		}
		eng, err := r.openShape(ctx, s, 64)
		if err != nil {
			return nil, err
		}
		defer eng.Close()
		eng.HandleRaw(noop.Name(), succeed)
		return r.besides(ctx, func(ctx context.Context, watched <-chan struct{}) error {
			return runUntil(ctx, eng, watched)
		})
	}
}

// floorIdle is one blocked read after the other.
func floorIdle(ctx context.Context, r *run) (figures, error) {
	if err := r.group(ctx); err != nil {
		return nil, err
	}
	return r.besides(ctx, func(ctx context.Context, watched <-chan struct{}) error {
		for {
			select {
			case <-watched:
				return nil
			default:
			}
			if _, err := r.read(ctx, batch, time.Second, nil); err != nil {
				return err
			}
		}
	})
}

// besides watches while work has nothing to do.
func (r *run) besides(ctx context.Context, work func(ctx context.Context, watched <-chan struct{}) error) (got figures, err error) {
	watched := make(chan struct{})
	err = together(ctx, func(ctx context.Context) error {
		return work(ctx, watched)
	}, func(ctx context.Context) (err error) {
		defer close(watched)
		got, err = r.watchIdle(ctx)
		return err
	})
	return got, err
}

// watchIdle looks for a while, when all has come to rest.
func (r *run) watchIdle(ctx context.Context) (figures, error) {
	if err := wait(ctx, r.lasting(10*time.Second, 50*time.Millisecond)); err != nil {
		return nil, err
	}
	before, err := r.spent(ctx)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := wait(ctx, r.lasting(20*time.Second, 50*time.Millisecond)); err != nil {
		return nil, err
	}
	took := time.Since(began).Seconds()
	after, err := r.spent(ctx)
	return figures{
		"calls": max(0, after.calls-before.calls-infos) / took, "commands": max(0, after.commands-before.commands-infos) / took,
	}, err
}
