package rerun

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

func TestPlan(t *testing.T) {
	t.Parallel()
	h, _ := recordedDay()
	s := Scope{Pace: Pace{Speed: 2}}
	got, err := s.Plan(t.Context(), h, ModeShadow)
	if err != nil {
		t.Fatal(err)
	}
	want := &Plan{
		Mode: ModeShadow, Name: "replay", Pace: "2x", Count: 28, LeftOut: 3, Bytes: 28 * 26, Ran: 28 * 5 * time.Millisecond,
		FirstAt: base.Add(time.Second).UTC(), LastAt: base.Add(20 * time.Second).UTC(), Takes: 9500 * time.Millisecond,
		Rows: []PlanRow{
			{Queue: "q", Type: "mail", Kind: task.OutcomeSuccess, Count: 20, Bytes: 20 * 26},
			{Queue: "q", Type: "report", Kind: task.OutcomeRetry, Count: 4, Bytes: 4 * 26},
			{Queue: "q", Type: "report", Kind: task.OutcomeDead, Count: 4, Bytes: 4 * 26},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for mode, count := range map[Mode]int{ModeRequeue: 26, ModeBench: 28, ModeObserve: 63} {
		if p, err := s.Plan(t.Context(), h, mode); err != nil || p.Count != count {
			t.Errorf("%s: got %d, %v, want %d", mode, p.Count, err, count)
		}
	}
}

// TestPlanKeepsItsWord: a run takes as long as its plan said.
func TestPlanKeepsItsWord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, _ := recordedDay()
		for _, pace := range []Pace{{}, {Speed: 1}, {Speed: 3}, {Rate: 7}, {Speed: 1, MaxGap: 100 * time.Millisecond}} {
			s := Scope{Pace: pace}
			p, err := s.Plan(t.Context(), h, ModeObserve)
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			n, err := Observe(t.Context(), h, s, func(context.Context, *task.Event) error { return nil })
			if took := time.Since(began); err != nil || n != p.Count || took != p.Takes {
				t.Errorf("%s: got %d in %s, %v; planned %d in %s", pace, n, took, err, p.Count, p.Takes)
			}
		}
	})
}

// TestObservePasses: the cursor passes what was not asked for.
func TestObservePasses(t *testing.T) {
	t.Parallel()
	h, a := recordedDay()
	cursor := replay.Cursor{}
	_, err := Observe(t.Context(), h, Scope{Cursor: cursor, Filter: replay.Filter{Kinds: []task.Kind{task.Paused}}}, nil)
	if last := a.log[len(a.log)-1]; err != nil || cursor["q/0"].At != last.At {
		t.Errorf("got %s, %v, want %s", cursor, err, last.At)
	}
}

// TestObserveResumes: the event that failed comes again, and none before it.
func TestObserveResumes(t *testing.T) {
	t.Parallel()
	h, a := recordedDay()
	stop := errors.New("stop")
	cursor, seen, failed := replay.Cursor{}, []int64(nil), false
	for range 2 {
		_, err := Observe(t.Context(), h, Scope{Cursor: cursor}, func(_ context.Context, e *task.Event) error {
			if len(seen) == 10 && !failed {
				failed = true
				return stop
			}
			seen = append(seen, e.At.LSN)
			return nil
		})
		if err != nil && !errors.Is(err, stop) {
			t.Fatal(err)
		}
	}
	for i, lsn := range seen {
		if lsn != int64(i+1) {
			t.Fatalf("event %d: got lsn %d", i, lsn)
		}
	}
	if len(seen) != len(a.log) {
		t.Errorf("got %d events, want %d", len(seen), len(a.log))
	}
}
