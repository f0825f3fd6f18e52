package replay_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// moments is how many states are recorded while tasks run.
const moments = 100

// actors do what happens to tasks in a life on a real server.
type actors struct {
	*testing.T
	log  *streams.Log
	rand *rand.Rand
	s    *streams.Session
	held []task.Delivery
	ids  []task.ID
}

var by = streams.By{Actor: "tester", Reason: "because"}

func newActors(t *testing.T) *actors {
	log, err := streams.New(redistest.URL(t), streams.Options{Namespace: redistest.Namespace(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	a := &actors{T: t, log: log, rand: rand.New(rand.NewPCG(1, 2))}
	a.enqueue()
	a.join()
	return a
}

func (a *actors) must(err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
}

func (a *actors) join() {
	s, err := a.log.Join(a.Context(), "mail", 0)
	a.must(err)
	a.Cleanup(s.Interrupt)
	a.s, a.held = s, nil
}

func (a *actors) enqueue() {
	births := make([]task.Birth, 1+a.randN(4))
	for i := range births {
		births[i] = task.Birth{Type: task.Type(fmt.Sprintf("t%d", i%2)), Queue: "mail"}
		if a.randN(3) == 0 {
			births[i].In = time.Duration(1+a.randN(5)) * time.Millisecond
		}
	}
	got, err := a.log.Enqueue(a.Context(), births)
	a.must(err)
	for _, e := range got {
		a.ids = append(a.ids, e.ID)
	}
}

func (a *actors) randN(n int) int { return a.rand.IntN(n) }

// step does one of the things that change the state.
func (a *actors) step() {
	id := a.ids[a.randN(len(a.ids))]
	switch a.randN(10) {
	case 0, 1:
		a.enqueue()
	case 2, 3:
		b, err := a.s.Fetch(a.Context(), 3, time.Millisecond)
		a.must(err)
		a.held = append(a.held, b.Deliveries...)
	case 4, 5:
		a.settle()
	case 6:
		a.release()
	case 7:
		_, err := a.log.Cancel(a.Context(), id, by)
		a.must(err)
	case 8:
		_ = a.log.Requeue(a.Context(), id, by) // most are not dead
	case 9:
		a.takeover()
	}
}

func (a *actors) settle() {
	kinds := []task.Kind{task.OutcomeSuccess, task.OutcomeSuccess, task.OutcomeRetry, task.OutcomeSnooze, task.OutcomeDead, task.HandedBack}
	var out []task.Settlement
	for i := range a.held {
		k := kinds[a.randN(len(kinds))]
		out = append(out, task.Settlement{Delivery: &a.held[i], Kind: k, Delay: time.Millisecond, Error: "boom", Reason: "buried", Ran: time.Millisecond})
	}
	if len(out) == 0 {
		return
	}
	_, err := a.s.Settle(a.Context(), out)
	a.must(err)
	a.held = nil
}

func (a *actors) release() {
	w, err := a.log.Waiting(a.Context(), "mail", 0)
	a.must(err)
	defer w.Close()
	live, err := a.log.Reader().Live(a.Context(), "mail", 0)
	a.must(err)
	for id := range live.Due {
		_, _, _, err := w.Release(a.Context(), []task.ID{id})
		a.must(err)
	}
}

// takeover lets another consumer take what the present one holds.
func (a *actors) takeover() {
	victim := a.s.Name()
	a.join()
	records, err := a.s.Observe(a.Context(), true)
	a.must(err)
	b, _, err := a.s.Reclaim(a.Context(), victim, records[victim])
	a.must(err)
	a.held = b.Deliveries
}

// TestAtIsWhatWas: the state at an lsn and at a time is the live one that was
// recorded at that moment.
func TestAtIsWhatWas(t *testing.T) {
	t.Parallel()
	a := newActors(t)
	var was []*task.Live
	for range moments {
		for range 4 {
			a.step()
		}
		live, err := a.log.Reader().Live(t.Context(), "mail", 0)
		a.must(err)
		was = append(was, live)
	}
	end, err := a.log.Reader().End(t.Context(), "mail", 0)
	a.must(err)
	for i, live := range was {
		s, err := replay.At(t.Context(), a.log.Reader(), replay.Moment{LSN: live.LSN})
		a.must(err)
		a.same(live, s)
		if i%10 == 0 { // each task is some reads
			a.tasks(live, s)
		}
		byTime, err := replay.At(t.Context(), a.log.Reader(), replay.Moment{Time: s.At})
		a.must(err)
		if byTime.AsOf["mail/0"] == live.LSN { // else something followed in the same millisecond
			a.same(live, byTime)
		}
	}
	if end.LSN < 3*moments {
		t.Errorf("the log ends at %s: too little happened", end)
	}
}

// tasks compares what is told of each task that waited or was dead.
func (a *actors) tasks(live *task.Live, s *replay.State) {
	a.Helper()
	for id := range live.Buried {
		a.is(s, id, task.Dead)
	}
	for id, due := range live.Due {
		if st := a.is(s, id, task.Waiting); st.DueAt.UnixMilli() != due {
			a.Errorf("%s: got due %s, want %d", id, st.DueAt, due)
		}
	}
}

// same compares a live state with a folded one. The entries of tasks that were
// cancelled before their delivery are still in the stream, so open is counted
// by what the log says of each.
func (a *actors) same(live *task.Live, s *replay.State) {
	a.Helper()
	q := s.Queues[0]
	got := task.Stats{
		Waiting: q.Waiting, Dead: q.Dead, Enqueued: q.Enqueued, Succeeded: q.Succeeded, Retried: q.Retried, Snoozed: q.Snoozed,
		Buried: q.Buried, Cancelled: q.Cancelled, Expired: q.Expired, Requeued: q.Requeued, Purged: q.Purged,
	}
	want := live.Stats
	want = task.Stats{
		Waiting: want.Waiting, Dead: want.Dead, Enqueued: want.Enqueued, Succeeded: want.Succeeded, Retried: want.Retried, Snoozed: want.Snoozed,
		Buried: want.Buried, Cancelled: want.Cancelled, Expired: want.Expired, Requeued: want.Requeued, Purged: want.Purged,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		a.Errorf("lsn %d: want - got +\n%s", live.LSN, diff)
	}
	if all := q.Enqueued + q.Requeued - q.Succeeded - q.Cancelled - q.Expired - q.Buried; q.Ready+q.Waiting != all {
		a.Errorf("lsn %d: got %d ready, %d waiting, want %d together", live.LSN, q.Ready, q.Waiting, all)
	}
	if open := int64(len(live.Open)); q.Ready > open || q.Ready < open-q.Cancelled {
		a.Errorf("lsn %d: got %d ready, %d are open, %d were cancelled", live.LSN, q.Ready, open, q.Cancelled)
	}
}

func (a *actors) is(s *replay.State, id task.ID, want task.State) task.Status {
	a.Helper()
	st, err := s.Task(a.Context(), id)
	if err != nil || st.State != want {
		a.Errorf("%s at lsn %d: got %s, %v, want %s", id, s.AsOf["mail/0"], st.State, err, want)
	}
	return st
}

// TestTimelineIsTheHistory: what is found by reading on is what is found by the
// chain of the live log.
func TestTimelineIsTheHistory(t *testing.T) {
	t.Parallel()
	a := newActors(t)
	for range 200 {
		a.step()
	}
	for _, id := range a.ids {
		want, err := a.log.Reader().History(t.Context(), id)
		a.must(err)
		got, err := replay.Timeline(t.Context(), a.log.Reader(), id)
		a.must(err)
		places := func(es []task.Event) (all []replay.Mark) {
			for _, e := range es {
				all = append(all, replay.Mark{At: e.At, Item: e.Item})
			}
			return all
		}
		if diff := cmp.Diff(places(want), places(got)); diff != "" {
			t.Errorf("%s: history - timeline +\n%s", id, diff)
		}
	}
}
