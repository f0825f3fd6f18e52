package archive_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// writer enqueues and cancels beside the world. A transition is under mu, so that
// whoever holds it sees the log stand still.
type writer struct {
	log *streams.Log
	mu  sync.Mutex
}

// run writes until stop is closed.
func (o *writer) run(w *world, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(rand.N(3)) * time.Millisecond):
		}
		o.mu.Lock()
		got, err := o.log.Enqueue(w.Context(), []task.Birth{{Type: "other", Queue: queue, In: time.Duration(rand.N(5)) * time.Millisecond}})
		if err == nil && rand.N(3) == 0 {
			_, err = o.log.Cancel(w.Context(), got[0].ID, by)
		}
		o.mu.Unlock()
		if err != nil {
			w.Errorf("write: %v", err)
			return
		}
	}
}

// The state that was recorded live at a hundred moments, while another wrote, is what
// the archive says of each. The numbers are read by one script, and so of one lsn
// whoever writes; the sets come in pages, for which the other one has to wait.
func TestStateAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l, err := streams.New(w.url, streams.Options{Namespace: w.ns})
	w.must(err)
	defer l.Close()
	other, stop := &writer{log: l}, make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { other.run(w, stop) })
	var whole []*task.Live
	var numbers []task.Stats
	for i := range 100 {
		w.live(1 + rand.N(20))
		if i%5 > 0 {
			s, err := w.log.Reader().Stats(t.Context(), queue)
			w.must(err)
			numbers = append(numbers, s[0])
			continue
		}
		w.archive()
		other.mu.Lock()
		live, err := w.log.Reader().Live(t.Context(), queue, 0)
		other.mu.Unlock()
		w.must(err)
		if !live.Settled {
			t.Fatalf("lsn %d: the log moved", live.LSN)
		}
		whole, numbers = append(whole, live), append(numbers, live.Stats)
	}
	close(stop)
	wg.Wait()
	w.archive()
	w.varied(w.events(w.read()))
	for _, s := range numbers {
		w.sameNumbers(&s)
	}
	for _, live := range whole {
		w.sameTasks(live)
	}
}

// at is what the archive says of an lsn.
func (w *world) at(lsn int64) *replay.State {
	w.Helper()
	s, err := replay.At(w.Context(), w.read(), replay.Moment{LSN: lsn, Queue: queue})
	w.must(err)
	return s
}

// sameNumbers compares all that is counted.
func (w *world) sameNumbers(live *task.Stats) {
	w.Helper()
	q := w.at(live.LSN).Queues[0]
	got := task.Stats{
		Waiting: q.Waiting, Ready: q.Ready, Dead: q.Dead, Enqueued: q.Enqueued, Succeeded: q.Succeeded, Retried: q.Retried, Snoozed: q.Snoozed,
		Buried: q.Buried, Cancelled: q.Cancelled, Expired: q.Expired, Requeued: q.Requeued, Purged: q.Purged, Paused: q.Paused,
	}
	want := task.Stats{
		Waiting: live.Waiting, Ready: live.Ready + live.Running, Dead: live.Dead, Enqueued: live.Enqueued, Succeeded: live.Succeeded,
		Retried: live.Retried, Snoozed: live.Snoozed, Buried: live.Buried, Cancelled: live.Cancelled, Expired: live.Expired,
		Requeued: live.Requeued, Purged: live.Purged, Paused: live.Paused,
	}
	// what was cancelled while it was ready counts as running from its delivery until it is dropped
	if behind := want.Ready - got.Ready; live.Ready == 0 && 0 < behind && behind <= live.Marks {
		want.Ready = got.Ready
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.Errorf("lsn %d: - recorded live, + archive\n%s", live.LSN, diff)
	}
}

// sameTasks compares where some tasks stood: waiting and until when, dead, or
// neither.
func (w *world) sameTasks(live *task.Live) {
	w.Helper()
	s := w.at(live.LSN)
	for range 20 {
		id := w.ids[rand.N(len(w.ids))]
		if id.LSN() > live.LSN {
			continue
		}
		st, err := s.Task(w.Context(), id)
		w.must(err)
		due, waiting := live.Due[id]
		if (st.State == task.Waiting) != waiting || waiting && st.DueAt.UnixMilli() != due || (st.State == task.Dead) != live.Buried[id] {
			w.Errorf("lsn %d: %s was %s, due %s; live it waited %t until %d, dead %t", live.LSN, id, st.State, st.DueAt, waiting, due, live.Buried[id])
		}
	}
}
