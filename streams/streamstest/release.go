package streamstest

import (
	"slices"
	"sync"
	"time"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

var releaseCases = []testCase{
	{"never early", releaseEarly},
	{"idempotent", releaseTwice},
	{"equal dues in the order of births", releaseOrder},
	{"more than one call takes", releaseMany},
	{"by many at once", releaseRace},
	{"deadline passed", releaseDeadline},
	{"says when the next is due", releaseNext},
	{"wakes for the soonest", releaseWake},
	{"upcoming", releaseUpcoming},
	{"roles", releaseHold},
	{"unknown", releaseUnknown},
}

func (w *world) waiting() *streams.Waiting {
	w.Helper()
	z, err := w.log.Waiting(w.ctx, queue, 0)
	w.must(err)
	w.Cleanup(func() { z.Close() })
	return z
}

// releaseEarly asks all the time. What comes out says by the clock of Redis
// when it was due and when it came.
func releaseEarly(w *world) {
	var ids []task.ID
	for _, ms := range []int{1, 5, 20, 60} {
		ids = append(ids, w.later(time.Duration(ms)*time.Millisecond))
	}
	z, s := w.waiting(), w.join()
	left := len(ids)
	w.until("all released", func() bool {
		_, nowMs, err := z.Upcoming(w.ctx, 1)
		w.must(err)
		n, _, laterMs, err := z.Release(w.ctx, ids)
		w.must(err)
		for _, d := range w.fetch(s, n) {
			if d.DueMs > laterMs || d.DueMs < d.ID.Time().UnixMilli() {
				w.Errorf("due at %d, released between %d and %d", d.DueMs, nowMs, laterMs)
			}
		}
		left -= n
		return left == 0
	})
}

func releaseTwice(w *world) {
	id := w.later(time.Millisecond)
	w.release(id)
	z := w.waiting()
	for range 3 {
		if n, _, _, err := z.Release(w.ctx, []task.ID{id, id}); n != 0 || err != nil {
			w.Errorf("released %d again, %v", n, err)
		}
	}
	s := w.join()
	d := w.fetch(s, 1)[0]
	if n, _, _, err := z.Release(w.ctx, []task.ID{id}); n != 0 || err != nil {
		w.Errorf("released %d while it runs, %v", n, err)
	}
	w.settle(s, task.OutcomeSuccess, task.Recorded, d)
	if n, _, _, err := z.Release(w.ctx, []task.ID{id}); n != 0 || err != nil {
		w.Errorf("released %d after its end, %v", n, err)
	}
	w.nothing(s)
}

func releaseOrder(w *world) {
	births := make([]task.Birth, 100)
	for i := range births {
		births[i] = birth("x")
		births[i].At = time.Now().Add(5 * time.Millisecond)
		births[i].At = births[0].At
	}
	ids := w.enqueue(births...)
	z := w.waiting()
	var dues []task.Due
	w.until("due", func() bool {
		var now int64
		var err error
		dues, now, err = z.Upcoming(w.ctx, len(ids))
		w.must(err)
		return now >= dues[0].Ms
	})
	var asked []task.ID
	for _, d := range dues {
		asked = append(asked, d.ID)
	}
	if !slices.Equal(asked, ids) {
		w.Error("upcoming does not keep the order of births")
	}
	if n, _, _, err := z.Release(w.ctx, asked); n != len(ids) || err != nil {
		w.Fatalf("released %d, %v", n, err)
	}
	for i, d := range w.fetch(w.join(), len(ids)) {
		if d.ID != ids[i] {
			w.Fatalf("delivery %d: %s, want %s", i, d.ID, ids[i])
		}
	}
}

// releaseMany releases in the order that is asked for, here not that of births, and
// what is asked for twice once.
func releaseMany(w *world) {
	births := make([]task.Birth, streams.MaxRelease-1)
	due := time.Now().Add(time.Millisecond)
	for i := range births {
		births[i] = birth("x")
		births[i].At = due
	}
	ids := w.enqueue(births...)
	slices.Reverse(ids[:len(ids)/3])
	z := w.waiting()
	w.until("due", func() bool {
		_, now, err := z.Upcoming(w.ctx, 1)
		w.must(err)
		return now >= due.UnixMilli()
	})
	if n, _, _, err := z.Release(w.ctx, append(ids, ids[0])); n != len(ids) || err != nil {
		w.Fatalf("released %d of %d, %v", n, len(ids), err)
	}
	s := w.join()
	for i, d := range w.fetch(s, len(ids)) {
		if d.ID != ids[i] {
			w.Fatalf("delivery %d: %s, want %s", i, d.ID, ids[i])
		}
	}
	w.nothing(s)
}

// releaseRace: two that work do no harm.
func releaseRace(w *world) {
	var ids []task.ID
	for range 50 {
		ids = append(ids, w.later(time.Millisecond))
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for range 4 {
		z := w.waiting()
		wg.Go(func() {
			for range 50 {
				n, _, _, err := z.Release(w.ctx, ids)
				mu.Lock()
				total += n
				mu.Unlock()
				if err != nil {
					w.Error(err)
				}
			}
		})
	}
	wg.Wait()
	w.release(ids...)
	s := w.join()
	w.settle(s, task.OutcomeSuccess, task.Recorded, w.fetch(s, len(ids))...)
	w.nothing(s)
	if total > len(ids) {
		w.Errorf("released %d, want at most %d", total, len(ids))
	}
}

func releaseDeadline(w *world) {
	b := birth("too late")
	b.In, b.Opts.Deadline = 20*time.Millisecond, time.Now().Add(time.Millisecond)
	id := w.enqueue(b)[0]
	w.release(id)
	st := w.state(id, task.Expired)
	if n := w.stats().Expired; n != 1 || st.Attempt != 1 {
		w.Errorf("expired %d, attempt %d", n, st.Attempt)
	}
	// a deadline that a retry outlives
	b.In, b.Opts.Deadline = 0, time.Now().Add(5*time.Millisecond)
	id = w.enqueue(b)[0]
	s := w.join()
	d := w.fetch(s, 1)[0]
	w.answers(s, []task.Settlement{{Delivery: &d, Kind: task.OutcomeRetry, Error: "boom", Delay: 20 * time.Millisecond}}, task.Recorded)
	w.release(id)
	w.state(id, task.Expired)
	w.nothing(s)
}

func releaseNext(w *world) {
	far := w.later(time.Hour)
	id := w.later(time.Millisecond)
	z := w.waiting()
	w.until("released", func() bool {
		n, next, now, err := z.Release(w.ctx, []task.ID{id})
		w.must(err)
		if wait := time.Duration(next-now) * time.Millisecond; n == 1 && (wait > time.Hour || wait < 59*time.Minute) {
			w.Errorf("next in %s, want 1h", wait)
		}
		return n == 1
	})
	c, err := w.log.Cancel(w.ctx, far, by)
	w.must(err)
	if _, next, _, err := z.Release(w.ctx, nil); next != 0 || err != nil || c != streams.CancelDone {
		w.Errorf("next %d, %v, want 0", next, err)
	}
}

// releaseWake: one token at most, for what comes before everything else, from
// an enqueue or a retry.
func releaseWake(w *world) {
	z := w.waiting()
	woken := func(want bool) {
		w.Helper()
		d := time.Millisecond
		if want {
			d = 3 * time.Second
		}
		if got, err := z.Wake(w.ctx, d); got != want || err != nil {
			w.Fatalf("woken %t, %v, want %t", got, err, want)
		}
	}
	woken(false)
	w.later(time.Hour)
	w.later(time.Minute)
	woken(true)
	woken(false)
	w.later(2 * time.Hour)
	woken(false)
	s := w.join()
	d := w.held(s, 1)[0]
	w.answers(s, []task.Settlement{{Delivery: &d, Kind: task.OutcomeSnooze, Delay: time.Second}}, task.Recorded)
	woken(true)
	start := time.Now()
	woken(false)
	if d := time.Since(start); d > 700*time.Millisecond {
		w.Errorf("waited %s for 1 ms", d)
	}
	var wg sync.WaitGroup
	wg.Go(func() { z.Wake(w.ctx, 4*time.Second) })
	z.Close()
	wg.Wait()
}

func releaseUpcoming(w *world) {
	b, a := w.later(2*time.Hour), w.later(time.Hour)
	dues, now, err := w.waiting().Upcoming(w.ctx, 10)
	w.must(err)
	if len(dues) != 2 || dues[0].ID != a || dues[1].ID != b || dues[0].Ms-now > time.Hour.Milliseconds() {
		w.Errorf("upcoming %v at %d", dues, now)
	}
	if dues, _, err = w.waiting().Upcoming(w.ctx, 1); len(dues) != 1 || err != nil {
		w.Errorf("upcoming %v, %v, want one", dues, err)
	}
}

func releaseHold(w *world) {
	z := w.waiting()
	hold := func(role, who string, want bool) {
		w.Helper()
		if got, err := z.Hold(w.ctx, role, who, 200*time.Millisecond); got != want || err != nil {
			w.Fatalf("hold %s by %s: %t, %v, want %t", role, who, got, err, want)
		}
	}
	hold("r", "a", true)
	hold("r", "a", true)
	hold("r", "b", false)
	hold("other", "b", true)
	w.until("the role is free", func() bool {
		got, err := z.Hold(w.ctx, "r", "b", time.Minute)
		w.must(err)
		return got
	})
	hold("r", "a", false)
}

func releaseUnknown(w *world) {
	w.ready(1)
	id := task.NewID(0, 1, task.Position{Ms: 1, LSN: 1})
	if n, _, now, err := w.waiting().Release(w.ctx, []task.ID{id}); n != 0 || now == 0 || err != nil {
		w.Errorf("released %d at %d, %v", n, now, err)
	}
}
