package rerun

import (
	"context"
	"errors"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// queue is an Enqueuer that remembers keys. It fails once, after some.
type queue struct {
	born   []task.Birth
	most   int // births at once
	at     []time.Time
	keys   map[string]bool
	failAt int // the birth that is refused, once; 0: none
}

var errFull = errors.New("full")

func (q *queue) Enqueue(_ context.Context, births []task.Birth) (in []Enqueued, err error) {
	if q.keys == nil {
		q.keys = map[string]bool{}
	}
	q.most = max(q.most, len(births))
	for _, b := range births {
		if len(q.born)+1 == q.failAt {
			q.failAt = 0
			return in, errFull
		}
		existing := b.Key != "" && q.keys[b.Key]
		if q.keys[b.Key] = true; !existing {
			q.born, q.at = append(q.born, b), append(q.at, time.Now())
		}
		in = append(in, Enqueued{Existing: existing})
	}
	return in, nil
}

// deadDay has five dead, of which one was requeued by hand, and one is of a replay.
func deadDay() (h history, dead []task.ID) {
	a := newAuthor(0)
	a.done("mail", task.OutcomeSuccess, "")
	for i := range 5 {
		d := a.after(time.Second).born(task.Born, "mail")
		e := &a.log[len(a.log)-1]
		e.Headers = map[string]string{"tenant": "t1"}
		e.Opts = task.Opts{Retries: 3, Timeout: time.Minute, Deadline: base, Key: "order-1", KeyTTL: time.Hour, Base: 2}
		if i == 4 {
			e.Headers = map[string]string{HeaderReplay: "other"}
		}
		a.settle(d, task.OutcomeDead, "boom")
		if i == 3 {
			a.write(task.Event{Kind: task.Requeued, Task: d.Task, Actor: "ops", Reason: "by hand"})
		} else if i < 3 {
			dead = append(dead, d.Task)
		}
	}
	a.settle(a.born(task.Born, "mail"), task.OutcomeRetry, "boom")
	return history{a.log}, dead
}

func requeue(q *queue) *Requeue {
	return &Requeue{
		Scope: Scope{Name: "fix", Filter: replay.Filter{Kinds: []task.Kind{task.OutcomeDead, task.OutcomeRetry}}},
		To:    q, Actor: "ops", Reason: "issue 112",
	}
}

func TestRequeue(t *testing.T) {
	t.Parallel()
	h, dead := deadDay()
	q := &queue{}
	got, err := requeue(q).Run(t.Context(), h)
	if err != nil || got.Enqueued != 3 || got.LeftOut != 2 {
		t.Fatalf("got %+v, %v, want 3 enqueued, 2 left out", got, err)
	}
	for i, b := range q.born {
		key := "replay:fix:" + dead[i].String()
		want := task.Birth{
			Type: "mail", Queue: "q", Payload: []byte(dead[i].String()), Key: key, KeyTTL: requeueKeep,
			Opts: task.Opts{Retries: 3, Timeout: time.Minute, Key: key, KeyTTL: requeueKeep},
			Headers: map[string]string{
				"tenant": "t1", "tidemill-cause": dead[i].String(), "tidemill-replay": "fix",
				"tidemill-actor": "ops", "tidemill-reason": "issue 112",
			},
		}
		if diff := cmp.Diff(want, b); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
	if again, err := requeue(q).Run(t.Context(), h); err != nil || again.Enqueued != 0 || again.Existing != 3 {
		t.Errorf("again: got %+v, %v, want 3 existing", again, err)
	}
	if p, err := requeue(q).Plan(t.Context(), h, ModeRequeue); err != nil || p.Count != 3 || p.LeftOut != 2 {
		t.Errorf("plan: got %+v, %v, want 3, 2 left out", p, err)
	}
}

// TestRequeueInterrupted: whichever task fails, with a cursor or without, the next
// run makes the rest and no doubles.
func TestRequeueInterrupted(t *testing.T) {
	t.Parallel()
	h, dead := deadDay()
	for _, cursor := range []replay.Cursor{nil, {}} {
		for failAt := 1; failAt <= len(dead); failAt++ {
			q := &queue{failAt: failAt}
			r := requeue(q)
			r.Cursor = maps.Clone(cursor)
			if got, err := r.Run(t.Context(), h); !errors.Is(err, errFull) || got.Enqueued != failAt-1 {
				t.Fatalf("got %+v, %v, want %d and %v", got, err, failAt-1, errFull)
			}
			got, err := r.Run(t.Context(), h)
			if err != nil || len(q.born) != len(dead) {
				t.Errorf("got %+v, %v, %d tasks in all, want %d", got, err, len(q.born), len(dead))
			}
			if cursor != nil && got.Existing != 0 {
				t.Errorf("with a cursor: got %d existing, want none", got.Existing)
			}
		}
	}
}

func TestRequeueBudgetAndRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, _ := deadDay()
		q, began := &queue{}, time.Now()
		r := requeue(q)
		r.Limit, r.Pace = 2, Pace{Rate: 0.5}
		got, err := r.Run(t.Context(), h)
		if err != nil || got.Enqueued != 2 {
			t.Fatalf("got %+v, %v, want 2", got, err)
		}
		want := []time.Time{began, began.Add(2 * time.Second)}
		if diff := cmp.Diff(want, q.at); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// TestRequeueBatches: as fast as possible is many at once, though not all.
func TestRequeueBatches(t *testing.T) {
	t.Parallel()
	a, q := newAuthor(0), &queue{}
	for range 3 * requeueBatch {
		a.done("mail", task.OutcomeDead, "boom")
	}
	got, err := requeue(q).Run(t.Context(), history{a.log})
	if err != nil || got.Enqueued != 3*requeueBatch || q.most != requeueBatch {
		t.Errorf("got %+v, %v, %d at once, want %d", got, err, q.most, requeueBatch)
	}
}

func TestRequeueRefuses(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]Requeue{
		"no queue":   {Scope: Scope{Name: "a"}, Actor: "a", Reason: "r"},
		"no name":    {To: &queue{}, Actor: "a", Reason: "r"},
		"no actor":   {Scope: Scope{Name: "a"}, To: &queue{}, Reason: "r"},
		"no reason":  {Scope: Scope{Name: "a"}, To: &queue{}, Actor: "a"},
		"two paces":  {Scope: Scope{Name: "a", Pace: Pace{Speed: 1, Rate: 1}}, To: &queue{}, Actor: "a", Reason: "r"},
		"bad limit":  {Scope: Scope{Name: "a", Limit: -1}, To: &queue{}, Actor: "a", Reason: "r"},
		"bad filter": {Scope: Scope{Name: "a", Filter: replay.Filter{Sample: 2}}, To: &queue{}, Actor: "a", Reason: "r"},
	} {
		if _, err := r.Run(t.Context(), history{}); !errors.Is(err, task.ErrInvalidOption) {
			t.Errorf("%s: got %v, want %v", name, err, task.ErrInvalidOption)
		}
	}
}

// TestLoad: what arrived then arrives now, at its time, as large, and nothing of it.
func TestLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAuthor(0)
		a.done("mail", task.OutcomeSuccess, "")
		a.after(4*time.Second).born(task.Scheduled, "mail")
		a.log[len(a.log)-1].DueMs += 10_000
		a.born(task.Born, "mail")
		a.log[len(a.log)-1].Headers = map[string]string{HeaderReplay: "earlier"}
		a.after(2*time.Second).born(task.Born, "report")
		q, began := &queue{}, time.Now()
		l := Load{Scope: Scope{Pace: Pace{Speed: 2}, Cursor: replay.Cursor{}}, To: q, Into: "load"}
		got, err := l.Run(t.Context(), history{a.log})
		if err != nil || got.Enqueued != 3 || got.LeftOut != 1 || got.Bytes != 3*26 {
			t.Fatalf("got %+v, %v", got, err)
		}
		for i, want := range []time.Duration{0, 2 * time.Second, 3 * time.Second} {
			if at := q.at[i].Sub(began); at != want {
				t.Errorf("arrival %d: got %s, want %s", i, at, want)
			}
			if _, err := task.ParseID(string(q.born[i].Payload)); err == nil || q.born[i].Queue != "load" {
				t.Errorf("got payload %q in %s", q.born[i].Payload, q.born[i].Queue)
			}
		}
		if q.born[1].In != 5*time.Second {
			t.Errorf("delay: got %s, want 5s", q.born[1].In)
		}
		if got, err := l.Run(t.Context(), history{a.log}); err != nil || got.Enqueued != 0 {
			t.Errorf("from the cursor: got %+v, %v, want nothing", got, err)
		}
	})
}
