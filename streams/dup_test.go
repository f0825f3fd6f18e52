package streams_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// A settle that is asked twice under one number writes one event, and gets the
// first answer though nothing is pending any more.
func TestSettleAskedTwice(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.checked()
		s := r.join()
		ds := r.held(s, 6)
		r.settle(s, task.OutcomeSuccess, task.Recorded, ds[5])
		out := append(outcomes(task.OutcomeSuccess, ds[:3]), outcomes(task.OutcomeRetry, ds[3:4])...)
		out = append(out, outcomes(task.HandedBack, ds[4:])...) // of which the last is gone
		first, err := s.Settle(r.ctx, out)
		r.must(err)
		lsn := r.stats().LSN
		for range 3 {
			s.Repeat()
			again, err := s.Settle(r.ctx, out)
			r.must(err)
			if d := cmp.Diff(first, again); d != "" {
				r.Errorf("answers (-first +again):\n%s", d)
			}
		}
		if now := r.stats().LSN; now != lsn {
			r.Errorf("%d events by repeating", now-lsn)
		}
		if _, _, err = s.Renew(r.ctx, nil); err != nil { // keeps number and answer
			r.Fatal(err)
		}
		s.Repeat()
		if again, err := s.Settle(r.ctx, out); err != nil || !cmp.Equal(first, again) {
			r.Errorf("after a renew: %v, %v, want %v", again, err, first)
		}
	})
}

// Of two settles in flight either may be repeated, whatever became of the other; one
// older than the last of its lane is refused.
func TestSettleLanes(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.checked()
		s := r.join()
		ds := r.held(s, 6)
		calls := [][]task.Settlement{
			outcomes(task.OutcomeSuccess, ds[:1]), outcomes(task.OutcomeDead, ds[1:3]), append(outcomes(task.OutcomeSuccess, ds[:1]), outcomes(task.OutcomeRetry, ds[3:])...),
		}
		want := make([][]task.Answer, len(calls))
		for i, out := range calls {
			var err error
			want[i], err = s.Settle(r.ctx, out)
			r.must(err)
		}
		lsn := r.stats().LSN
		for _, n := range []int64{2, 3, 2} {
			s.Numbered(n, 5-n)
			if again, err := s.Settle(r.ctx, calls[n-1]); err != nil || !cmp.Equal(again, want[n-1]) {
				r.Errorf("number %d again: %c, %v, want %c", n, again, err, want[n-1])
			}
		}
		s.Numbered(1, 4)
		if _, err := s.Settle(r.ctx, calls[0]); !errors.Is(err, task.ErrUncertain) {
			r.Errorf("number 1 after 3: %v, want %v", err, task.ErrUncertain)
		}
		if now := r.stats().LSN; now != lsn {
			r.Errorf("%d events by repeating", now-lsn)
		}
	})
}

// A batch that is asked twice makes one task of each birth, and gets the first ids.
func TestEnqueueAskedTwice(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.checked()
		births := []task.Birth{
			{Type: "a", Queue: queue, Payload: []byte("1")},
			{Type: "a", Queue: queue, Payload: []byte("2"), Key: "k"},
			{Type: "a", Queue: queue, Payload: []byte("3"), Key: "k"},
		}
		for _, later := range []bool{false, true} {
			first, err := r.log.Enqueue(r.ctx, births)
			r.must(err)
			lsn := r.stats().LSN
			for range 3 {
				r.must(r.log.RepeatBatch(r.ctx, queue, later))
				again, err := r.log.Enqueue(r.ctx, births)
				r.must(err)
				if d := cmp.Diff(first, again); d != "" {
					r.Errorf("ids (-first +again):\n%s", d)
				}
			}
			if now := r.stats().LSN; now != lsn {
				r.Errorf("%d events by repeating", now-lsn)
			}
			for i := range births {
				births[i].In, births[i].Key = 1e12, ""
			}
		}
		r.must(r.log.RepeatBatch(r.ctx, queue, true))
		r.must(r.log.RepeatBatch(r.ctx, queue, true))
		if _, err := r.log.Enqueue(r.ctx, births); err == nil {
			r.Error("a batch older than the last was taken")
		}
	})
}

// Unknown kinds and fields are kept by readers and leave the log readable.
func TestUnknownKindIsKept(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.ready(1)
		for _, stream := range []string{r.k.Events, r.k.Tasks} {
			r.raw(stream, r.stats().LSN+1, "v", "9", "kind", "telepathy", "mood", "good")
			r.ready(1)
		}
		n := 0
		for _, e := range r.events() {
			if e.Kind == task.Unknown {
				n++
				if d := cmp.Diff([]string{"v", "9", "kind", "telepathy", "mood", "good"}, e.Raw); d != "" {
					r.Errorf("fields (-want +got):\n%s", d)
				}
			}
		}
		if n != 2 {
			r.Errorf("%d unknown entries, want 2", n)
		}
		// one in the stream of tasks is given to somebody, who can do nothing about it
		s := r.join()
		ds := r.fetch(s, 4)
		if ds[2].Type != "" {
			r.Errorf("delivery %+v, want one without a type", ds[2])
		}
		r.settle(s, task.OutcomeDead, task.Recorded, ds...)
		if got := r.stats(); got.Running != 0 || got.Ready != 0 || got.Dead != 3 {
			r.Errorf("stats %+v", got)
		}
	})
}

// raw writes an entry as a newer version would: at the next lsn, with the clock.
func (r *rig) raw(stream string, lsn int64, fields ...string) {
	r.Helper()
	ms, err := r.db.HGet(r.ctx, r.k.Meta, "ms").Int64()
	r.must(err)
	args := []any{"XADD", stream, task.Position{Ms: ms, LSN: lsn}.String()}
	for _, f := range fields {
		args = append(args, f)
	}
	r.must(r.db.Do(r.ctx, args...).Err())
	r.must(r.db.HSet(r.ctx, r.k.Meta, "lsn", lsn).Err())
}

// Two processes that produce for one queue: sessions of their own.
func TestTwoProducers(t *testing.T) {
	t.Parallel()
	url := "mem://" + t.Name()
	ns := streams.Options{Namespace: "two"}
	a, b := newRig(t, url, ns).checked(), newRig(t, url, ns)
	for range 5 {
		a.ready(3)
		b.ready(2)
		a.later(1e12)
		b.later(1e12)
	}
	if got := a.stats(); got.Enqueued != 35 || got.Waiting != 10 || got.Ready != 25 {
		t.Errorf("stats %+v", got)
	}
}
