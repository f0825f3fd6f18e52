package streams_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/streams/streamstest"
	"github.com/tidemill/tidemill/task"
)

// storm is everything at once: what takes several calls meets what others do in
// between. Chance decides, so a failure does not always come back.
type storm struct {
	*rig
	ctx context.Context

	mu    sync.Mutex
	acked []task.ID
}

// TestStorm ends with a calm in which everything is worked off: no acknowledged
// task is missing, none ended twice, nothing is left open.
func TestStorm(t *testing.T) {
	t.Parallel()
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			url, o := b.url(t), streams.Options{Namespace: redistest.Namespace(t)}
			if url == "mem://" {
				url += "storm"
			}
			first := newRig(t, url, o)
			ctx, stop := context.WithTimeout(t.Context(), 1500*time.Millisecond)
			defer stop()
			var wg sync.WaitGroup
			var all []*storm
			for range 2 { // processes
				s := &storm{rig: newRig(t, url, o), ctx: ctx}
				all = append(all, s)
				for _, role := range []func(){s.produce, s.produce, s.consume, s.consume, s.consume, s.release, s.operate, s.trim, s.damage} {
					wg.Go(role)
				}
			}
			wg.Wait()
			first.calm()
			floor := first.stats().Floor
			for _, s := range all {
				for _, id := range s.acked {
					if id.LSN() < floor {
						continue // trimmed
					}
					if _, err := first.log.Reader().Status(t.Context(), id); err != nil {
						t.Errorf("acknowledged %s: %v", id, err)
					}
				}
			}
			streamstest.Check(t, first.log, queue)
		})
	}
}

// survive reports errors that nobody should see: what a lost group or the end of
// the storm brings (calls end with it, as if Redis did not answer) is part of it.
func (s *storm) survive(err error) bool {
	expected := []error{streams.ErrNoGroup, task.ErrFenced, task.ErrNotFound, task.ErrNotDead, task.ErrUnavailable, context.DeadlineExceeded, context.Canceled}
	for _, e := range expected {
		if errors.Is(err, e) {
			return false
		}
	}
	if err != nil && s.ctx.Err() == nil {
		s.Error(err)
	}
	return err == nil
}

func (s *storm) produce() {
	for s.ctx.Err() == nil {
		births := make([]task.Birth, 1+rand.N(20))
		for i := range births {
			births[i] = task.Birth{Type: "work", Queue: queue, Payload: []byte("payload"), In: time.Duration(rand.N(3)) * time.Millisecond}
		}
		got, err := s.log.Enqueue(s.ctx, births)
		s.survive(err)
		s.mu.Lock()
		for _, e := range got {
			s.acked = append(s.acked, e.ID)
		}
		s.mu.Unlock()
	}
}

// some draws a task that was acknowledged.
func (s *storm) some() (id task.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.acked); n > 0 {
		id = s.acked[rand.N(n)]
	}
	return id
}

// consume works, takes over from anybody, and is taken over from.
func (s *storm) consume() {
	var session *streams.Session
	for s.ctx.Err() == nil {
		if session == nil {
			var err error
			if session, err = s.log.Join(s.ctx, queue, 0); !s.survive(err) {
				session = nil
				continue
			}
			defer session.Interrupt()
		}
		b, err := session.Fetch(s.ctx, 1+rand.N(30), time.Millisecond)
		s.survive(err)
		ds := b.Deliveries
		switch rand.N(8) {
		case 0:
			ds = append(ds, s.takeOver(session)...)
		case 1:
			ds = nil // the reply was lost
		case 2:
			b, err = session.Sweep(s.ctx, func(task.Position) bool { return false })
			s.survive(err)
			ds = b.Deliveries
		}
		if _, _, err = session.Renew(s.ctx, nil); errors.Is(err, task.ErrFenced) || !s.settle(session, ds) {
			session = nil
		}
	}
}

func (s *storm) takeOver(session *streams.Session) []task.Delivery {
	all, err := session.Observe(s.ctx, true)
	s.survive(err)
	for name, record := range all { // whoever comes first
		b, _, err := session.Reclaim(s.ctx, name, record)
		s.survive(err)
		return b.Deliveries
	}
	return nil
}

// settle records random outcomes; false when the session is over.
func (s *storm) settle(session *streams.Session, ds []task.Delivery) bool {
	for len(ds) > 0 {
		n := min(len(ds), 60)
		out := make([]task.Settlement, n)
		for i := range out {
			kind := lawKinds[rand.N(len(lawKinds))]
			out[i] = task.Settlement{Delivery: &ds[i], Kind: kind, Delay: time.Duration(rand.N(3)) * time.Millisecond, Reason: "storm"}
		}
		if _, err := session.Settle(s.ctx, out); !s.survive(err) {
			return !errors.Is(err, task.ErrFenced)
		}
		ds = ds[n:]
	}
	return true
}

func (s *storm) release() {
	z, err := s.log.Waiting(s.ctx, queue, 0)
	if !s.survive(err) {
		return
	}
	defer z.Close()
	for s.ctx.Err() == nil {
		s.releaseDue(z)
	}
}

func (s *storm) releaseDue(z *streams.Waiting) {
	dues, _, err := z.Upcoming(s.ctx, streams.MaxRelease)
	s.survive(err)
	ids := make([]task.ID, len(dues))
	for i, d := range dues {
		ids[i] = d.ID
	}
	_, _, _, err = z.Release(s.ctx, ids)
	s.survive(err)
}

func (s *storm) operate() {
	r := s.log.Reader()
	for s.ctx.Err() == nil {
		id := s.some()
		if id.IsZero() {
			continue
		}
		var err error
		switch rand.N(5) {
		case 0:
			_, err = s.log.Cancel(s.ctx, id, by)
		case 1:
			err = s.log.Requeue(s.ctx, id, by)
		case 2:
			_, err = s.log.Purge(s.ctx, []task.ID{id}, by)
		case 3:
			_, err = r.Status(s.ctx, id)
		case 4:
			_, err = r.History(s.ctx, id)
		}
		s.survive(err)
	}
}

func (s *storm) trim() {
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for s.ctx.Err() == nil {
		_, err := s.log.Trim(s.ctx, queue, 0, "both", streams.Retention{Age: 50 * time.Millisecond})
		s.survive(err)
		<-tick.C
	}
}

// damage loses the group, the records, and the server's life.
func (s *storm) damage() {
	tick := time.NewTicker(150 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if s.ctx.Err() != nil {
			return
		}
		if s.some().IsZero() {
			continue // a token before the first entry would be somebody else's schema
		}
		switch rand.N(3) {
		case 0:
			s.db.XGroupDestroy(s.ctx, s.k.Tasks, "workers")
		case 1:
			s.db.Del(s.ctx, s.k.Members)
		case 2:
			s.db.HSet(s.ctx, s.k.Meta, "token", "0123456789ab.1.1")
		}
	}
}

// calm works off what the storm left.
func (r *rig) calm() {
	r.Helper()
	calm := &storm{rig: r, ctx: r.ctx}
	z, err := r.log.Waiting(r.ctx, queue, 0)
	r.must(err)
	defer z.Close()
	r.until("calm", func() bool {
		r.drain()
		calm.releaseDue(z)
		s := r.stats()
		return s.Ready+s.Running+s.Waiting == 0
	})
}
