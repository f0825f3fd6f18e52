package replay

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/task"
)

// prefix is the whole fold of what a bound allows, in the events' own words.
func prefix(log []task.Event, bound task.Position) *task.Fold {
	f := task.NewFold()
	for i := range log {
		if Within(log[i].At, bound) {
			f.Add(&log[i])
		}
	}
	return f
}

// TestAtIsAFold: the state at any lsn and at any time is the fold of the prefix,
// of the queue and of every task.
func TestAtIsAFold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t, 7, 50)
		src := one(w.log)
		e := rapid.SampledFrom(w.log).Draw(t, "event")
		m := Moment{LSN: e.At.LSN}
		if rapid.Bool().Draw(t, "by time") {
			m = Moment{Time: time.UnixMilli(e.At.Ms)}
		}
		s, err := At(t.Context(), src, m)
		if err != nil {
			t.Fatal(err)
		}
		f := prefix(w.log, m.bound())
		sameState(t, s, f)
		for _, id := range w.ids {
			sameTask(t, s, f, id)
		}
	})
}

func sameState(t *rapid.T, s *State, f *task.Fold) {
	want := QueueState{Queue: "q", Partitions: 1, Paused: f.Paused}
	for id, l := range f.Tasks {
		switch l.State {
		case task.Waiting:
			want.Waiting++
		case task.Ready:
			want.Ready++
			want.Taken += map[bool]int64{true: 1}[l.Taken > 0]
			want.Cancelling += map[bool]int64{true: 1}[l.Marked]
		case task.Dead:
			want.Dead++
		case task.Lost:
			want.Lost++
		default:
		}
		if (l.State == task.Waiting || l.State == task.Ready) && (want.Oldest == nil || id.LSN() < want.Oldest.LSN()) {
			want.Oldest, want.OldestAt = &id, id.Time().UTC()
		}
		if l.State == task.Waiting {
			want.NextDueAt = time.UnixMilli(0).UTC() // none of these worlds has a due time
		}
	}
	n := f.Counts
	want.Enqueued, want.Succeeded, want.Retried = n[task.Born]+n[task.Scheduled], n[task.OutcomeSuccess], n[task.OutcomeRetry]
	want.Snoozed, want.Buried, want.Cancelled = n[task.OutcomeSnooze], n[task.OutcomeDead], n[task.OutcomeCancel]
	want.Expired, want.Requeued, want.Purged = n[task.OutcomeExpire], n[task.Requeued], n[task.PurgedDead]
	if diff := cmp.Diff([]QueueState{want}, s.Queues); diff != "" {
		t.Fatalf("want - got +\n%s", diff)
	}
	if s.AsOf["q/0"] != f.LastLSN || !s.At.Equal(time.UnixMilli(f.Last.Ms)) {
		t.Fatalf("got as of %v, %s, want %s", s.AsOf, s.At, f.Last)
	}
}

func sameTask(t *rapid.T, s *State, f *task.Fold, id task.ID) {
	got, err := s.Task(t.Context(), id)
	l := f.Tasks[id]
	if l == nil {
		if !errors.Is(err, task.ErrNotFound) {
			t.Fatalf("%s is not born: got %+v, %v", id, got, err)
		}
		return
	}
	if err != nil || got.State != l.State || got.Type == "" || got.Queue != "q" || got.Cancelling != l.Marked || got.ChangedAt.UnixMilli() != l.Last.Ms {
		t.Fatalf("got %+v, %v, want %+v", got, err, l)
	}
}

// TestAtSums: a moment takes all partitions, each as far as it had come.
func TestAtSums(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h, _ := drawHistory(t)
		q := rapid.SampledFrom(h.logs["q"]).Draw(t, "partition")
		m := Moment{Time: time.UnixMilli(rapid.SampledFrom(q).Draw(t, "event").At.Ms)}
		s, err := At(t.Context(), h, m)
		if err != nil {
			t.Fatal(err)
		}
		for _, qs := range s.Queues {
			var ready, enqueued int64
			for _, log := range h.logs[qs.Queue] {
				f := prefix(log, m.bound())
				ready, enqueued = ready+f.States()[task.Ready], enqueued+f.Counts[task.Born]+f.Counts[task.Scheduled]
			}
			if qs.Ready != ready || qs.Enqueued != enqueued || qs.Partitions != len(h.logs[qs.Queue]) {
				t.Fatalf("got %+v, want ready %d, enqueued %d", qs, ready, enqueued)
			}
		}
	})
}
