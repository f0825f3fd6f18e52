package streams_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/streams/streamstest"
	"github.com/tidemill/tidemill/task"
)

// stranger adds an entry to a stream as somebody does who knows nothing of us.
func (r *rig) stranger(stream, id string) string {
	r.Helper()
	got, err := r.db.XAdd(r.ctx, &redis.XAddArgs{Stream: stream, ID: id, Values: []string{"hello", "world"}}).Result()
	r.must(err)
	return got
}

// Strangers' entries cost no transition, whatever places they take.
func TestForeignEntries(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.checked()
		s := r.join()
		foreign := 0
		add := func() {
			for _, stream := range []string{r.k.Tasks, r.k.Events} {
				at, err := task.ParsePosition(r.stranger(stream, "*"))
				r.must(err)
				r.stranger(stream, task.Position{Ms: at.Ms + 3, LSN: 1 << 40}.String()) // ahead of the clock
			}
			foreign += 2 // of the stream of tasks
		}
		add()
		ids := r.ready(3)
		add()
		waiting := r.later(time.Millisecond)
		add()
		var mine []task.Delivery
		for _, d := range r.fetch(s, foreign+3) {
			if d.Type != "" {
				mine = append(mine, d)
				continue
			}
			for _, k := range []task.Kind{task.OutcomeDead, task.HandedBack, task.OutcomeSuccess, task.OutcomeRetry}[foreign%4:] {
				r.settle(s, k, task.Recorded, d)
				break
			}
			foreign--
		}
		if len(mine) != 3 || foreign != 0 {
			t.Fatalf("%d of ours, %d of strangers too few", len(mine), foreign)
		}
		add()
		r.settle(s, task.OutcomeRetry, task.Recorded, mine[0])
		add()
		r.settle(s, task.OutcomeSuccess, task.Recorded, mine[1])
		r.settle(s, task.HandedBack, task.Recorded, mine[2])
		add()
		r.release(waiting, ids[0])
		r.state(ids[1], task.Succeeded)
		r.state(waiting, task.Ready)
		if c, err := r.log.Cancel(r.ctx, ids[2], by); c != streams.CancelDone || err != nil {
			t.Errorf("cancel: %d, %v", c, err)
		}
		for _, d := range r.fetch(s, foreign+3) {
			k := task.OutcomeSuccess
			if d.ID == ids[2] {
				k = task.OutcomeCancel
			}
			r.settle(s, k, task.Recorded, d)
		}
		r.state(ids[0], task.Succeeded)
		r.state(ids[2], task.Cancelled)
		if got := r.stats(); got.Ready != 0 || got.Running != 0 || got.Succeeded != 3 {
			t.Errorf("stats %+v", got)
		}
	})
}

// A stranger's entry is the last that was delivered: what is held is still
// known to be held.
func TestForeignEntryDelivered(t *testing.T) {
	onBoth(t, func(r *rig) {
		s := r.join()
		d := r.held(s, 1)[0]
		r.until("the clock moves on", func() bool { return r.stats().NowMs > d.Entry.Ms })
		r.stranger(r.k.Tasks, "*")
		stranger := r.fetch(s, 1)
		if c, err := r.log.Cancel(r.ctx, d.ID, by); c != streams.CancelRequested || err != nil {
			t.Errorf("cancel of a running task: %d, %v, want %d", c, err, streams.CancelRequested)
		}
		r.settle(s, task.OutcomeSuccess, task.Recorded, d)
		// it may be taken over like any other
		other := r.join()
		if got := r.reclaim(other, s.Name()); len(got) != 1 || got[0].Entry != stranger[0].Entry {
			t.Errorf("took %v", got)
		}
		r.settle(other, task.OutcomeDead, task.Recorded, stranger...)
	})
}

// A group is rebuilt though strangers' entries stand in the log, the last one
// among them.
func TestForeignEntriesAndGroupDestroyed(t *testing.T) {
	onBoth(t, func(r *rig) {
		w := r.work()
		r.stranger(r.k.Tasks, "*")
		r.stranger(r.k.Events, "*")
		r.must(r.db.XGroupDestroy(r.ctx, r.k.Tasks, "workers").Err())
		r.wantRun(r.drain(), w.running, w.ready)
		streamstest.Check(r.T, r.log, queue)
	})
}

// Strangers' entries at the end of a page do not end the reading.
func TestForeignEntriesInPages(t *testing.T) {
	onBoth(t, func(r *rig) {
		n := 0
		for range 3 {
			n += len(r.ready(255 - n%2))
			r.stranger(r.k.Tasks, "*")
			r.stranger(r.k.Events, "*")
		}
		for _, e := range r.events() {
			if e.Kind == task.Born {
				n--
			}
		}
		if n != 0 {
			t.Errorf("%d births were not read", n)
		}
	})
}

// Behind a wall of strangers' entries stands what must not be trimmed.
func TestForeignEntriesAndTrim(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.checked()
		r.history(150)
		for range 40 {
			r.stranger(r.k.Tasks, "*")
		}
		id := r.ready(1)[0]
		r.trim()
		if floor := r.stats().Floor; floor > id.LSN() {
			t.Errorf("floor %d, undelivered since %d", floor, id.LSN())
		}
		s := r.join()
		var mine []task.Delivery
		for _, d := range r.fetch(s, 41) {
			if d.Type != "" {
				mine = append(mine, d)
			} else {
				r.settle(s, task.OutcomeDead, task.Recorded, d)
			}
		}
		if len(mine) != 1 || mine[0].ID != id {
			t.Fatalf("delivered %v, want %s", mine, id)
		}
		r.trim()
		if floor := r.stats().Floor; floor != id.LSN() {
			t.Errorf("floor %d, pending since %d", floor, id.LSN())
		}
		r.settle(s, task.OutcomeSuccess, task.Recorded, mine...)
	})
}

// TestForeignEntryBeyondAllIDs: an entry of a stranger that no id of ours can pass is an
// error, not a script without end.
func TestForeignEntryBeyondAllIDs(t *testing.T) {
	r := onReal(t)
	r.ready(1)
	s := r.join()
	d := r.fetch(s, 1)[0]
	for _, stream := range []string{r.k.Tasks, r.k.Events} {
		r.stranger(stream, "1795365844538000100-0") // nanoseconds
	}
	births := []task.Birth{{Type: "work", Queue: queue}}
	if _, err := r.log.Enqueue(r.ctx, births); err == nil {
		t.Error("enqueued behind it")
	}
	if _, err := s.Settle(r.ctx, []task.Settlement{{Delivery: &d, Kind: task.OutcomeSuccess}}); err == nil {
		t.Error("settled behind it")
	}
	r.must(r.db.Ping(r.ctx).Err())
	vs, err := streamstest.Violations(r.ctx, r.log, queue, 0)
	r.must(err)
	if !strings.Contains(strings.Join(vs, "\n"), d.ID.String()+" is open") {
		t.Errorf("a check tells %q, want the task whose outcome failed", vs)
	}
}
