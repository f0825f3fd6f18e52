package streamstest

import (
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

var statsCases = []testCase{
	{"counters", statsCounters},
	{"empty", statsEmpty},
	{"consumers", statsConsumers},
	{"nodes", statsNodes},
}

func statsCounters(w *world) {
	s := w.join()
	ds := w.held(s, 9)
	w.settle(s, task.OutcomeSuccess, task.Recorded, ds[0], ds[1])
	w.settle(s, task.OutcomeRetry, task.Recorded, ds[2])
	w.settle(s, task.OutcomeSnooze, task.Recorded, ds[3])
	w.settle(s, task.OutcomeDead, task.Recorded, ds[4], ds[5], ds[6])
	w.settle(s, task.OutcomeExpire, task.Recorded, ds[7])
	w.cancel(ds[2].ID, streams.CancelDone)
	w.must(w.log.Requeue(w.ctx, ds[4].ID, by))
	_, err := w.log.Purge(w.ctx, []task.ID{ds[5].ID}, by)
	w.must(err)
	hour := w.later(time.Hour)
	got := w.stats()
	want := task.Stats{
		Queue: queue, Partition: got.Partition, LSN: got.LSN, Floor: 1, NowMs: got.NowMs, Delivered: ds[8].Entry,
		Waiting: 2, Ready: 1, Running: 1, Dead: 1, NextDueMs: w.state(ds[3].ID, task.Waiting).DueAt.UnixMilli(),
		Enqueued: 10, Succeeded: 2, Retried: 1, Snoozed: 1, Buried: 3, Cancelled: 1, Expired: 1, Requeued: 1, Purged: 1,
	}
	if d := cmp.Diff(want, got); d != "" {
		w.Errorf("stats (-want +got):\n%s", d)
	}
	w.cancel(ds[3].ID, streams.CancelDone)
	if due := w.stats().NextDueMs; due != w.state(hour, task.Waiting).DueAt.UnixMilli() {
		w.Errorf("next due %d", due)
	}
}

func statsEmpty(w *world) {
	n, err := w.log.Register(w.ctx, queue)
	if w.must(err); n != 1 {
		w.Fatalf("%d partitions, want 1", n)
	}
	got := w.stats()
	want := task.Stats{Queue: queue, Partition: got.Partition, LSN: got.LSN, Floor: 1, NowMs: got.NowMs}
	if d := cmp.Diff(want, got); d != "" {
		w.Errorf("stats (-want +got):\n%s", d)
	}
}

func statsConsumers(w *world) {
	a, b := w.join(), w.join()
	w.held(a, 3)
	got, err := w.log.Reader().Consumers(w.ctx, queue)
	w.must(err)
	if d := cmp.Diff(map[string]int64{a.Name(): 3, b.Name(): 0}, got); d != "" {
		w.Errorf("consumers (-want +got):\n%s", d)
	}
}

func statsNodes(w *world) {
	n := streams.Node{Name: "n1", Host: "h", PID: 7, Started: time.UnixMilli(5).UTC(), Queues: map[task.Queue]int{queue: 3}, Running: 1, Holds: []string{"c"}}
	w.must(w.log.Announce(w.ctx, n, time.Hour))
	other := n
	other.Name = "n2"
	w.must(w.log.Announce(w.ctx, other, 5*time.Millisecond))
	r := w.log.Reader()
	w.until("n2 is gone", func() bool {
		got, err := r.Nodes(w.ctx)
		w.must(err)
		return len(got) == 1
	})
	got, err := r.Nodes(w.ctx)
	w.must(err)
	if d := cmp.Diff([]streams.Node{n}, got); d != "" {
		w.Errorf("nodes (-want +got):\n%s", d)
	}
	w.must(w.log.Withdraw(w.ctx, n.Name))
	if got, err = r.Nodes(w.ctx); len(got) != 0 || err != nil {
		w.Errorf("nodes %v, %v, want none", got, err)
	}
}
