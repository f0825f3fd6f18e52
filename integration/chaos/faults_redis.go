package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/integration/history"
	"github.com/tidemill/tidemill/internal/keys"
)

var redisFaults = []fault{
	{"kill-redis", "Redis is killed with -9 and started again on its files", "21 22 24 25 27", single, "", history.Nothing, true, killRedis},
	{"stop-redis", "Redis is stopped for three leases", "28", single, "", history.Nothing, true, stopRedis},
	{"power-loss", "Redis is killed and its append-only file cut back by one to two seconds", "23", standalone, "everysec", history.Tail, false, powerLoss},
	{"script-flush", "SCRIPT FLUSH every 50 ms for two seconds", "32", anywhere, "", history.Nothing, true, scriptFlush},
	{"busy", "a stranger's script runs for a second and a half", "33", single, "", history.Nothing, true, busy},
	{"memory-full", "maxmemory is below what is used", "29", single, "", history.Nothing, true, memoryFull},
	{"readonly", "Redis is made a replica of nobody, and a primary again", "34", single, "", history.Nothing, true, readonly},
	{"max-clients", "no new connection is accepted while old ones are reset", "35", single, "", history.Nothing, true, maxClients},
	{"flushall", "FLUSHALL under load", "36", anywhere, "", history.All, false, flushAll},
	{"group-destroy", "XGROUP DESTROY under load", "37", anywhere, "", history.Nothing, true, groupDestroy},
	{"del-members", "the records of all consumers are deleted", "", anywhere, "", history.Nothing, true, delMembers},
	{"xtrim", "a stranger trims the task stream under us", "38", anywhere, "", history.Cutting, false, xtrim},
	{"foreign-xadd", "a stranger adds entries to our streams", "", anywhere, "", history.Nothing, true, foreignAdd},
}

func killRedis(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	s := w.rig.Servers()[0]
	if err := s.Kill(); err != nil {
		return err
	}
	pause(ctx, 50*time.Millisecond+upTo(r, 1200*time.Millisecond))
	if err := s.Restart(ctx); err != nil {
		return err
	}
	f.Observed = 1
	return nil
}

func powerLoss(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	s := w.rig.Servers()[0]
	pause(ctx, 2*time.Second) // or one cut undoes what the last has left
	cut, err := s.CutAOF(ctx, time.Second+upTo(r, time.Second))
	f.Observed, f.Note = min(cut.From-cut.To, 1), fmt.Sprintf("%d bytes", cut.From-cut.To)
	return err
}

func stopRedis(ctx context.Context, w *world, _ *rand.Rand, f *history.Fault) error {
	s := w.rig.Servers()[0]
	if err := s.Pause(); err != nil {
		return err
	}
	pause(ctx, 3*w.opts.lease-200*time.Millisecond)
	ask, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	if s.Client().Ping(ask).Err() != nil {
		f.Observed = 1
	}
	return s.Resume()
}

func scriptFlush(ctx context.Context, w *world, _ *rand.Rand, f *history.Fault) error {
	for range 40 {
		err := w.primaries(ctx, func(c *redis.Client) error { return c.ScriptFlush(ctx).Err() })
		if err == nil {
			f.Observed++
		}
		pause(ctx, 50*time.Millisecond)
	}
	return nil
}

// busy lets a script of a stranger spin; we never SCRIPT KILL.
func busy(ctx context.Context, w *world, _ *rand.Rand, f *history.Fault) error {
	c := w.rig.Servers()[0].Client().WithTimeout(30 * time.Second) // on a loaded machine it spins for longer
	if err := c.ConfigSet(ctx, "busy-reply-threshold", "100").Err(); err != nil {
		return err
	}
	const spin, sample = "for i = 1, tonumber(ARGV[1]) do end return 1", 3_000_000
	began := time.Now()
	if err := c.Eval(ctx, spin, nil, sample).Err(); err != nil {
		return err
	}
	turns := int64(sample * float64(1500*time.Millisecond) / float64(time.Since(began)))
	began = time.Now()
	err := c.Eval(ctx, spin, nil, turns).Err()
	if f.Note = time.Since(began).Round(10 * time.Millisecond).String(); err == nil && time.Since(began) > 200*time.Millisecond {
		f.Observed = 1
	}
	return err
}

func memoryFull(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	c := w.rig.Servers()[0].Client()
	if err := c.ConfigSet(ctx, "maxmemory", "1mb").Err(); err != nil {
		return err
	}
	pause(ctx, time.Second+upTo(r, time.Second))
	if strings.Contains(fmt.Sprint(c.Set(ctx, "probe", "x", time.Second).Err()), "OOM") {
		f.Observed = 1
	}
	return c.ConfigSet(ctx, "maxmemory", "0").Err()
}

func readonly(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	c := w.rig.Servers()[0].Client()
	if err := c.ReplicaOf(ctx, "127.0.0.1", "1").Err(); err != nil {
		return err
	}
	pause(ctx, 300*time.Millisecond+upTo(r, time.Second))
	if strings.Contains(fmt.Sprint(c.Set(ctx, "probe", "x", time.Second).Err()), "READONLY") {
		f.Observed = 1
	}
	return c.ReplicaOf(ctx, "NO", "ONE").Err()
}

func maxClients(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	c := w.rig.Servers()[0].Client().Conn()
	defer c.Close()
	info, err := c.Info(ctx, "clients").Result()
	if err != nil {
		return err
	}
	n, before := infoNumber(info, "connected_clients"), int64(0)
	if info, err = c.Info(ctx, "stats").Result(); err != nil {
		return err
	}
	before = infoNumber(info, "rejected_connections")
	if err := c.ConfigSet(ctx, "maxclients", strconv.FormatInt(max(1, n/2), 10)).Err(); err != nil {
		return err
	}
	if m := w.some(r, "worker", "producer"); m != nil {
		f.Target = m.role.Name
		m.proxy.Reset()
	}
	pause(ctx, time.Second+upTo(r, time.Second))
	info, err = c.Info(ctx, "stats").Result()
	if err == nil {
		f.Observed = infoNumber(info, "rejected_connections") - before
	}
	return c.ConfigSet(context.WithoutCancel(ctx), "maxclients", "10000").Err()
}

// infoNumber reads one number of INFO.
func infoNumber(info, name string) int64 {
	_, rest, _ := strings.Cut(info, name+":")
	line, _, _ := strings.Cut(rest, "\r")
	n, _ := strconv.ParseInt(line, 10, 64)
	return n
}

func flushAll(ctx context.Context, w *world, _ *rand.Rand, f *history.Fault) error {
	pause(ctx, 2*time.Second) // or nobody has seen the life that this one ends
	err := w.primaries(ctx, func(c *redis.Client) error { return c.FlushAll(ctx).Err() })
	if err == nil {
		f.Observed = 1
	}
	return err
}

// partition draws one of all partitions.
func (w *world) partition(r *rand.Rand) *keys.Partition {
	return w.partitions[r.IntN(len(w.partitions))]
}

func groupDestroy(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	n, err := w.rig.Client().XGroupDestroy(ctx, w.partition(r).Tasks, keys.Group).Result()
	f.Observed = n
	return err
}

func delMembers(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	n, err := w.rig.Client().Del(ctx, w.partition(r).Members).Result()
	f.Observed = n
	return err
}

func xtrim(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	n, err := w.rig.Client().XTrimMaxLen(ctx, w.partition(r).Tasks, 0).Result()
	f.Observed = n
	return err
}

// foreignAdd adds entries to the event stream, and to the task stream, from where
// they are delivered: to be taken off, not to be run.
func foreignAdd(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	for i := range 6 {
		p := w.partition(r)
		err := w.rig.Client().XAdd(ctx, &redis.XAddArgs{Stream: []string{p.Tasks, p.Events}[i%2], Values: []string{"hello", "world"}}).Err()
		if err != nil {
			return err
		}
		f.Observed++
		pause(ctx, 50*time.Millisecond)
	}
	return nil
}
