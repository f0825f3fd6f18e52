package streams_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/streams/streamstest"
	"github.com/tidemill/tidemill/task"
)

const queue task.Queue = "q"

var by = streams.By{Actor: "tester", Reason: "test"}

// rig is a log whose keys the test may touch. Its methods fail the test.
type rig struct {
	*testing.T
	ctx context.Context
	log *streams.Log
	db  redis.UniversalClient
	k   *keys.Partition
}

// newRig opens a log and registers the queue. The invariants are checked at the
// end unless the test takes that on itself.
func newRig(t *testing.T, url string, o streams.Options) *rig {
	t.Helper()
	return rigOn(t, open(t, url, o))
}

func rigOn(t *testing.T, l *streams.Log) *rig {
	t.Helper()
	r := &rig{T: t, ctx: t.Context(), log: l, db: l.DB()}
	var err error
	r.k, err = l.Keys(r.ctx, queue, 0)
	r.must(err)
	return r
}

// checked makes the test end with a check of the invariants.
func (r *rig) checked() *rig {
	r.Cleanup(func() { streamstest.Check(r.T, r.log, queue) })
	return r
}

// onBoth runs a test on every backend.
func onBoth(t *testing.T, test func(r *rig)) {
	t.Helper()
	t.Parallel()
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			test(newRig(t, b.url(t), streams.Options{}))
		})
	}
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) enqueue(births ...task.Birth) []task.ID {
	r.Helper()
	got, err := r.log.Enqueue(r.ctx, births)
	r.must(err)
	ids := make([]task.ID, len(got))
	for i := range got {
		ids[i] = got[i].ID
	}
	return ids
}

// ready enqueues n tasks that run now.
func (r *rig) ready(n int) []task.ID {
	r.Helper()
	births := make([]task.Birth, n)
	for i := range births {
		births[i] = task.Birth{Type: "work", Queue: queue, Payload: []byte("payload")}
	}
	return r.enqueue(births...)
}

func (r *rig) later(in time.Duration) task.ID {
	r.Helper()
	return r.enqueue(task.Birth{Type: "work", Queue: queue, Payload: []byte("payload"), In: in})[0]
}

func (r *rig) join() *streams.Session {
	r.Helper()
	s, err := r.log.Join(r.ctx, queue, 0)
	r.must(err)
	r.Cleanup(s.Interrupt)
	return s
}

// fetch reads exactly n deliveries.
func (r *rig) fetch(s *streams.Session, n int) []task.Delivery {
	r.Helper()
	var all []task.Delivery
	for end := time.Now().Add(10 * time.Second); len(all) < n; {
		b, err := s.Fetch(r.ctx, n-len(all), 50*time.Millisecond)
		r.must(err)
		all = append(all, b.Deliveries...)
		if time.Now().After(end) {
			r.Fatalf("fetched %d deliveries, want %d", len(all), n)
		}
	}
	return all
}

func (r *rig) nothing(s *streams.Session) {
	r.Helper()
	b, err := s.Fetch(r.ctx, 10, time.Millisecond)
	r.must(err)
	if len(b.Deliveries) > 0 {
		r.Fatalf("fetched %+v, want nothing", b.Deliveries)
	}
}

func (r *rig) held(s *streams.Session, n int) []task.Delivery {
	r.Helper()
	r.ready(n)
	return r.fetch(s, n)
}

func outcomes(kind task.Kind, ds []task.Delivery) []task.Settlement {
	out := make([]task.Settlement, len(ds))
	for i := range ds {
		out[i] = task.Settlement{Delivery: &ds[i], Kind: kind, Error: "boom", Reason: "test"}
	}
	return out
}

// settle records an outcome for all and compares every answer.
func (r *rig) settle(s *streams.Session, kind task.Kind, want task.Answer, ds ...task.Delivery) {
	r.Helper()
	limit := streams.MaxSettle
	if kind != task.OutcomeSuccess {
		limit = streams.MaxVerdicts
	}
	for page := range slices.Chunk(ds, limit) {
		answers, err := s.Settle(r.ctx, outcomes(kind, page))
		r.must(err)
		for i, a := range answers {
			if a != want {
				r.Fatalf("settle %s as %s: answer %c, want %c", page[i].ID, kind, a, want)
			}
		}
	}
}

// reclaim takes over all of a consumer, whose record is given.
func (r *rig) reclaim(s *streams.Session, victim string) []task.Delivery {
	r.Helper()
	seen, err := s.Observe(r.ctx, true)
	r.must(err)
	var all []task.Delivery
	for {
		b, more, err := s.Reclaim(r.ctx, victim, seen[victim])
		r.must(err)
		all = append(all, b.Deliveries...)
		if !more {
			return all
		}
	}
}

func (r *rig) state(id task.ID, want task.State) task.Status {
	r.Helper()
	st, err := r.log.Reader().Status(r.ctx, id)
	r.must(err)
	if st.State != want {
		r.Fatalf("status of %s: %s, want %s", id, st.State, want)
	}
	return st
}

func (r *rig) stats() task.Stats {
	r.Helper()
	s, err := r.log.Reader().Stats(r.ctx, queue)
	r.must(err)
	return s[0]
}

func (r *rig) events() []task.Event {
	r.Helper()
	var all []task.Event
	for e, err := range r.log.Reader().Events(r.ctx, queue, 0, task.Position{}) {
		r.must(err)
		all = append(all, e)
	}
	return all
}

// count counts the events of a kind.
func (r *rig) count(k task.Kind) (n int) {
	r.Helper()
	for _, e := range r.events() {
		if e.Kind == k {
			n++
		}
	}
	return n
}

// release makes tasks deliverable as soon as they are due.
func (r *rig) release(ids ...task.ID) {
	r.Helper()
	z, err := r.log.Waiting(r.ctx, queue, 0)
	r.must(err)
	defer z.Close()
	left := len(ids)
	r.until("release", func() bool {
		n, _, _, err := z.Release(r.ctx, ids)
		r.must(err)
		left -= n
		return left <= 0
	})
}

// until polls, for what only time brings.
func (r *rig) until(what string, ok func() bool) {
	r.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(15 * time.Second); !ok(); <-tick.C {
		if time.Now().After(end) {
			r.Fatalf("%s: not within 15 s", what)
		}
	}
}
