package main

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/tidemill/tidemill/integration/history"
	"github.com/tidemill/tidemill/integration/proxy"
)

var netFaults = []fault{
	{"drop-reply", "a script is done, its reply is lost", "49 50 56", single, "", history.Nothing, true, dropReply},
	{"drop-read", "entries are delivered, the reply that carries them is lost", "49", single, "", history.Nothing, true, dropRead},
	{"reset", "all connections of a process are reset, three times", "51", single, "", history.Nothing, true, resetAll},
	{"latency", "60 to 140 ms in all replies", "52", single, "", history.Nothing, true, latency},
	{"half-open", "a worker's packets vanish for longer than its lease, its connections stay", "54 55", single, "", history.Nothing, true, hole(true, true)},
	{"one-way", "a process's requests arrive, the replies do not", "56", single, "", history.Nothing, true, hole(false, true)},
	{"cut", "connections break in the middle of a reply", "51", single, "", history.Nothing, true, cut},
	{"throttle", "a process has 8 KB a second", "53", single, "", history.Nothing, true, throttle},
	{"partition", "a process cannot connect for longer than its lease", "55", single, "", history.Nothing, true, partition},
}

// dropped are the scripts whose replies are lost.
var dropped = []string{"settle", "settle", "enqueue", "enqueue", "release", "join", "renew", "charge", "reclaim", "trim", "cancel", "requeue", "leave", "hold"}

func dropReply(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	f.Note = w.script(r, dropped)
	w.atCall(ctx, f.Note, 1+r.IntN(4), proxy.DropReply, f)
	return nil
}

func dropRead(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	m := w.worker(r)
	if m == nil {
		return errNobody
	}
	f.Target = m.role.Name
	before := m.proxy.Counts().Dropped
	m.proxy.On(func(c proxy.Command) (proxy.Verdict, func()) {
		if c.Name == "XREADGROUP" {
			return proxy.DropReply, nil
		}
		return proxy.Forward, nil
	})
	pause(ctx, 300*time.Millisecond)
	m.proxy.On(nil)
	f.Observed = int64(m.proxy.Counts().Dropped - before)
	return nil
}

func resetAll(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	m := w.some(r, "worker", "producer", "operator")
	if m == nil {
		return errNobody
	}
	f.Target = m.role.Name
	before := m.proxy.Counts().Resets
	for range 3 {
		m.proxy.Reset()
		pause(ctx, upTo(r, 200*time.Millisecond))
	}
	f.Observed = int64(m.proxy.Counts().Resets - before)
	return nil
}

func latency(ctx context.Context, w *world, _ *rand.Rand, f *history.Fault) error {
	for _, m := range w.members {
		m.proxy.Latency(60*time.Millisecond, 80*time.Millisecond)
		defer m.proxy.Latency(0, 0)
	}
	pause(ctx, 2*time.Second)
	f.Observed = 1
	return nil
}

// hole swallows one or both directions of a process for one and a half leases and
// more.
func hole(requests, replies bool) func(context.Context, *world, *rand.Rand, *history.Fault) error {
	return func(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
		m := w.some(r, "worker", "worker", "producer")
		if m == nil {
			return errNobody
		}
		f.Target = m.role.Name
		before := m.proxy.Counts().Commands
		m.proxy.Hole(requests, replies)
		pause(ctx, w.opts.lease*3/2+upTo(r, 2*w.opts.lease))
		m.proxy.Hole(false, false)
		f.Observed = int64(min(1, m.proxy.Counts().Commands-before))
		return nil
	}
}

func cut(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	m := w.some(r, "worker", "producer")
	if m == nil {
		return errNobody
	}
	f.Target = m.role.Name
	before := m.proxy.Counts().Resets
	for range 3 {
		m.proxy.Cut(1 + r.IntN(3000))
		pause(ctx, 300*time.Millisecond)
	}
	f.Observed = int64(m.proxy.Counts().Resets - before)
	return nil
}

func throttle(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	m := w.some(r, "worker", "producer")
	if m == nil {
		return errNobody
	}
	f.Target = m.role.Name
	m.proxy.Throttle(8 << 10)
	defer m.proxy.Throttle(0)
	pause(ctx, 2*time.Second)
	f.Observed = 1
	return nil
}

func partition(ctx context.Context, w *world, r *rand.Rand, f *history.Fault) error {
	m := w.some(r, "worker", "worker", "producer", "operator")
	if m == nil {
		return errNobody
	}
	f.Target = m.role.Name
	before := m.proxy.Counts().Resets
	m.proxy.Refuse(true)
	pause(ctx, w.opts.lease*3/2+upTo(r, w.opts.lease))
	m.proxy.Refuse(false)
	f.Observed = int64(m.proxy.Counts().Resets - before)
	return nil
}
