package replay

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/task"
)

func TestAtOutside(t *testing.T) {
	t.Parallel()
	log := bulk(3) // ms 1000 to 1002, and 9000 to 9002; lsn 1 to 6
	two := &history{logs: map[task.Queue][][]task.Event{"q": {log}, "r": {nil, log[2:]}}}
	for name, test := range map[string]struct {
		src  *history
		m    Moment
		says string
	}{
		"before":     {one(log), Moment{Time: time.UnixMilli(999)}, "1970-01-01T00:00:00.999Z: outside the history: q/0 has lsn 1 to 6, 1970-01-01T00:00:01.000Z to 1970-01-01T00:00:09.002Z"},
		"after":      {one(log), Moment{Time: time.UnixMilli(9003)}, "1970-01-01T00:00:09.003Z: outside the history: q/0 has lsn 1 to 6, "},
		"lsn after":  {one(log), Moment{LSN: 7}, "lsn 7: outside the history: q/0 has lsn 1 to 6, "},
		"lsn before": {one(log[2:]), Moment{LSN: 2}, "lsn 2: outside the history: q/0 has lsn 3 to 6, 1970-01-01T00:00:01.002Z to "},
		"trimmed":    {two, Moment{Time: time.UnixMilli(1001)}, "q/0 has lsn 1 to 6, 1970-01-01T00:00:01.000Z to 1970-01-01T00:00:09.002Z; r/1 has lsn 3 to 6, "},
		"empty":      {one(nil), Moment{Time: time.UnixMilli(1)}, "1970-01-01T00:00:00.001Z: outside the history: it has no event"},
	} {
		_, err := At(t.Context(), test.src, test.m)
		var outside *OutsideError
		if !errors.Is(err, ErrOutside) || !errors.As(err, &outside) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestAtEdges: the first and the last event are inside, and so is what lies
// between two, and the latest moment of any history.
func TestAtEdges(t *testing.T) {
	t.Parallel()
	log := bulk(3)
	for _, test := range []struct {
		m    Moment
		lsn  int64
		open int64
	}{
		{Moment{Time: time.UnixMilli(1000)}, 1, 1},
		{Moment{Time: time.UnixMilli(5000)}, 3, 3},
		{Moment{Time: time.UnixMilli(9002)}, 6, 0},
		{Moment{LSN: 1}, 1, 1},
		{Moment{LSN: 6, Queue: "q"}, 6, 0},
		{Moment{}, 6, 0},
	} {
		s, err := At(t.Context(), one(log), test.m)
		if err != nil || s.AsOf["q/0"] != test.lsn || s.Queues[0].Ready != test.open {
			t.Errorf("%s: got %+v, %v, want lsn %d, %d open", test.m, s, err, test.lsn, test.open)
		}
	}
	if s, err := At(t.Context(), one(nil), Moment{}); err != nil || !s.At.IsZero() {
		t.Errorf("empty: got %+v, %v", s, err)
	}
}

func TestAtAsks(t *testing.T) {
	t.Parallel()
	log := bulk(3)
	src := &history{logs: map[task.Queue][][]task.Event{"q": {log, log}, "r": {log}}}
	for name, test := range map[string]struct {
		m    Moment
		want error
	}{
		"an lsn of which queue": {Moment{LSN: 1}, task.ErrInvalidOption},
		"both":                  {Moment{LSN: 1, Time: time.Now(), Queue: "q"}, task.ErrInvalidOption},
		"no such queue":         {Moment{Queue: "s"}, task.ErrNotFound},
		"no such partition":     {Moment{LSN: 1, Queue: "q", Partition: 2}, task.ErrNotFound},
		"the second":            {Moment{LSN: 1, Queue: "q", Partition: 1}, nil},
	} {
		if _, err := At(t.Context(), src, test.m); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
}

// TestSpanLeaps: the end is found without reading all.
func TestSpanLeaps(t *testing.T) {
	t.Parallel()
	var log []task.Event
	for i := range int64(50_000) {
		log = append(log, task.Event{Kind: task.Trimmed, At: task.Position{Ms: 1_700_000_000_000 + 7*i*i%(1<<20) + 1<<20*i, LSN: i + 1}})
	}
	src := one(log)
	s, ok, err := part{src: src, queue: "q"}.span(t.Context())
	if err != nil || !ok || s.First != log[0].At || s.Last != log[len(log)-1].At || src.read > 200 {
		t.Errorf("got %s, %v, %v after %d events", s, ok, err, src.read)
	}
}

// byLSN is a source that goes by lsn alone, as an archive may.
type byLSN struct{ *history }

func (h byLSN) Events(ctx context.Context, q task.Queue, n int, after task.Position) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		for e, err := range h.history.Events(ctx, q, n, task.Position{}) {
			if e.At.LSN > after.LSN && !yield(e, err) {
				return
			}
		}
	}
}

// TestByLSN: whoever cannot find a time is asked for more, to the same effect.
func TestByLSN(t *testing.T) {
	t.Parallel()
	log := bulk(100)
	src := byLSN{one(log)}
	s, ok, err := part{src: src, queue: "q"}.span(t.Context())
	if err != nil || !ok || s.First != log[0].At || s.Last != log[199].At {
		t.Errorf("got %s, %v, %v", s, ok, err)
	}
	n := 0
	for e, err := range Select(t.Context(), src, Filter{From: time.UnixMilli(9000), Types: []task.Type{"t"}}, nil) {
		if n++; err != nil || e.Kind != task.OutcomeSuccess {
			t.Fatalf("got %+v, %v", e, err)
		}
	}
	if n != 100 {
		t.Errorf("got %d events", n)
	}
}
