package streams

import (
	"context"
	"testing"
	"time"

	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/task"
)

func TestSmoke(t *testing.T) {
	for _, url := range []string{redistest.URL(t), "mem://"} {
		ctx := context.Background()
		l, err := New(url, Options{Namespace: redistest.Namespace(t)})
		if err != nil {
			t.Fatal(err)
		}
		srv, err := l.Preflight(ctx, false)
		t.Log(srv, err)
		bs := []task.Birth{{Type: "a", Queue: "q", Payload: []byte("x")}, {Type: "a", Queue: "q", Payload: []byte("y"), Key: "k", KeyTTL: time.Hour}, {Type: "a", Queue: "q", Payload: []byte("y"), Key: "k", KeyTTL: time.Hour}, {Type: "b", Queue: "q", In: 20 * time.Millisecond}}
		got, err := l.Enqueue(ctx, bs)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(got)
		s, err := l.Join(ctx, "q", 0)
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.Fetch(ctx, 10, time.Millisecond)
		if err != nil || len(b.Deliveries) != 2 {
			t.Fatal(b, err)
		}
		w, _ := l.Waiting(ctx, "q", 0)
		t.Log(w.Upcoming(ctx, 10))
		t.Log(w.Wake(ctx, time.Second))
		time.Sleep(25 * time.Millisecond)
		t.Log(w.Release(ctx, []task.ID{got[3].ID}))
		b2, err := s.Fetch(ctx, 10, time.Millisecond)
		if err != nil || len(b2.Deliveries) != 1 {
			t.Fatal(b2, err)
		}
		ans, err := s.Settle(ctx, []task.Settlement{{Delivery: &b.Deliveries[0], Kind: task.OutcomeSuccess, Ran: time.Millisecond}, {Delivery: &b.Deliveries[1], Kind: task.OutcomeRetry, Error: "boo"}, {Delivery: &b2.Deliveries[0], Kind: task.OutcomeDead, Reason: "x", Error: "boo"}})
		t.Log(ans, err)
		s2, _ := l.Join(ctx, "q", 0)
		l.Enqueue(ctx, bs[:1])
		s.Fetch(ctx, 10, time.Millisecond)
		rec, err := s2.Observe(ctx, true)
		t.Log(rec, err)
		bb, _, alive, err := s2.Reclaim(ctx, s.Name(), rec[s.Name()])
		t.Log(bb, alive, err)
		if len(bb.Deliveries) != 1 || bb.Deliveries[0].Count != 2 {
			t.Error("reclaim", bb)
		}
		held, err := s2.Charge(ctx, []*task.Delivery{&bb.Deliveries[0]})
		t.Log(held, err)
		_, _, err = s.Renew(ctx, nil)
		t.Log("renew", err)
		t.Log(s2.Renew(ctx, nil))
		r := l.Reader()
		for e, err := range r.Events(ctx, "q", 0, task.Position{}) {
			t.Log(e.At, e.Kind, e.Task, e.Attempt, e.Consumer, e.Error, e.Prev, string(e.Extra), err)
		}
		for _, g := range got {
			st, err := r.Status(ctx, g.ID)
			t.Log(st, err)
			h, err := r.History(ctx, g.ID)
			for _, e := range h {
				t.Log("   ", e.At, e.Kind)
			}
			if err != nil {
				t.Error(err)
			}
		}
		t.Log(l.Cancel(ctx, got[1].ID, By{"me", "why"}))
		t.Log(l.Requeue(ctx, got[3].ID, By{"me", "why"}))
		st, err := r.Stats(ctx, "q")
		t.Log(st, err)
		live, err := r.Live(ctx, "q", 0)
		t.Log(live, err)
		t.Log(l.Trim(ctx, "q", 0, Retention{Age: time.Hour, Bytes: 1 << 20, Dead: time.Hour}))
		t.Log(l.Trim(ctx, "q", 0, Retention{Age: time.Millisecond, Bytes: 1 << 20, Dead: time.Hour}))
		t.Log(s2.Leave(ctx))
	}
}
