package replay

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/task"
)

// story is a log of one task of type a that fails, runs again and succeeds, and
// one of type b that dies at once.
func story() []task.Event {
	a, b := task.NewID(0, 1, task.Position{Ms: 60_000, LSN: 2}), task.NewID(0, 1, task.Position{Ms: 60_100, LSN: 3})
	at := func(ms, lsn int64) task.Position { return task.Position{Ms: ms, LSN: lsn} }
	return []task.Event{
		{Kind: task.EpochStarted, At: at(60_000, 1)},
		{Kind: task.Born, At: at(60_000, 2), Task: a, Type: "a", Attempt: 1},
		{Kind: task.Scheduled, At: at(60_100, 3), Task: b, Type: "b", Attempt: 1, DueMs: 61_000},
		{Kind: task.OutcomeRetry, At: at(60_300, 4), Task: a, Prev: at(60_000, 2), Attempt: 1, Ran: 100 * time.Millisecond, Error: "dial 10.0.0.1:25: refused", DueMs: 120_000},
		{Kind: task.Released, At: at(61_000, 5), Task: b, Type: "b", Attempt: 1, DueMs: 61_000},
		{Kind: task.OutcomeDead, At: at(61_010, 6), Task: b, Prev: at(61_000, 5), Attempt: 1, Ran: 10 * time.Millisecond, Error: "no user " + a.String()},
		{Kind: task.Released, At: at(120_000, 7), Task: a, Type: "a", Attempt: 2, DueMs: 120_000},
		{Kind: task.OutcomeSuccess, At: at(120_500, 8), Task: a, Prev: at(120_000, 7), Attempt: 2, Ran: 500 * time.Millisecond},
	}
}

func describeRow(r StatsRow) string {
	return fmt.Sprintf("%d %s: enqueued %d, succeeded %d, retried %d, dead %d; wait %s of %d; run %s of %d", r.Start.Unix(), r.Type,
		r.Enqueued, r.Succeeded, r.Retried, r.Dead, r.Wait.Max(), r.Wait.N(), r.Run.Max(), r.Run.N())
}

func TestStatistics(t *testing.T) {
	t.Parallel()
	s, err := Statistics(t.Context(), one(story()), Filter{}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range append(s.Rows, s.Total...) {
		if r.Start.IsZero() {
			r.Start = time.Unix(0, 0)
		}
		got = append(got, describeRow(r))
	}
	want := []string{
		"60 a: enqueued 1, succeeded 0, retried 1, dead 0; wait 200ms of 1; run 100ms of 1",
		"60 b: enqueued 1, succeeded 0, retried 0, dead 1; wait 0s of 1; run 10ms of 1",
		"120 a: enqueued 0, succeeded 1, retried 0, dead 0; wait 0s of 1; run 500ms of 1",
		"0 a: enqueued 1, succeeded 1, retried 1, dead 0; wait 200ms of 2; run 500ms of 2",
		"0 b: enqueued 1, succeeded 0, retried 0, dead 1; wait 0s of 1; run 10ms of 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want - got +\n%s", diff)
	}
	var errs []string
	for _, g := range s.Errors {
		errs = append(errs, fmt.Sprintf("%d %s %q, %d dead, %s", g.Count, g.Type, g.Text, g.Dead, g.FirstAt.Format("05.000")))
	}
	if diff := cmp.Diff([]string{`1 a "dial N:N: refused", 0 dead, 00.300`, `1 b "no user ID", 1 dead, 01.010`}, errs); diff != "" {
		t.Errorf("want - got +\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int64{"q/0": 8}, s.AsOf); diff != "" {
		t.Errorf("want - got +\n%s", diff)
	}
}

// TestStatisticsOfAWindow: an outcome counts for its type, though the window
// begins after the birth; a filter narrows.
func TestStatisticsOfAWindow(t *testing.T) {
	t.Parallel()
	for _, f := range []Filter{{From: time.UnixMilli(120_001)}, {Types: []task.Type{"a"}, Kinds: []task.Kind{task.OutcomeSuccess}}} {
		s, err := Statistics(t.Context(), one(story()), f, 0)
		if err != nil || len(s.Rows) != 1 || s.Rows[0].Type != "a" || s.Rows[0].Succeeded != 1 || s.Rows[0].Enqueued != 0 || !s.Rows[0].Start.IsZero() {
			t.Errorf("%+v: got %+v, %v", f, s, err)
		}
	}
}

// TestStatisticsAreAFunction: rows of any length sum up to the totals, and those
// to the counts of the fold; whoever asks again gets the same.
func TestStatisticsAreAFunction(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t, 1, 60)
		every := time.Duration(rapid.IntRange(0, 40).Draw(t, "every")) * time.Millisecond
		s, err := Statistics(t.Context(), one(w.log), Filter{}, every)
		if err != nil {
			t.Fatal(err)
		}
		sum := func(rows []StatsRow) (n [7]int64) {
			for _, r := range rows {
				for i, v := range []int64{r.Enqueued, r.Succeeded, r.Retried, r.Snoozed, r.Dead, r.Cancelled, r.Expired} {
					n[i] += v
				}
			}
			return n
		}
		c := prefix(w.log, Moment{}.bound()).Counts
		want := [7]int64{
			c[task.Born] + c[task.Scheduled], c[task.OutcomeSuccess], c[task.OutcomeRetry], c[task.OutcomeSnooze],
			c[task.OutcomeDead], c[task.OutcomeCancel], c[task.OutcomeExpire],
		}
		if sum(s.Rows) != want || sum(s.Total) != want {
			t.Fatalf("got %v, %v, want %v", sum(s.Rows), sum(s.Total), want)
		}
		for _, r := range s.Total {
			if r.Type == "" {
				t.Fatalf("a type is not known: %+v", s.Total)
			}
		}
		again, err := Statistics(t.Context(), one(w.log), Filter{}, every)
		if diff := cmp.Diff(s, again, cmp.AllowUnexported(Histogram{})); err != nil || diff != "" {
			t.Fatalf("again: %v\n%s", err, diff)
		}
	})
}

func TestStatisticsRefuses(t *testing.T) {
	t.Parallel()
	for _, every := range []time.Duration{-time.Second, time.Microsecond} {
		if _, err := Statistics(t.Context(), one(nil), Filter{}, every); !errors.Is(err, task.ErrInvalidOption) {
			t.Errorf("%s: got %v", every, err)
		}
	}
	if _, err := Statistics(t.Context(), one(bulk(100_001)), Filter{}, time.Millisecond); !errors.Is(err, ErrTooFine) {
		t.Errorf("got %v", err)
	}
}

func TestNormalise(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":    "",
		"eof": "eof",
		"dial tcp 127.0.0.1:6379: timeout after 1.5s\nstack": "dial tcp N:N: timeout after Ns",
		"task 01JB3M0000000G000000000001 gone":               "task ID gone",
		"id 6ba7b810-9dad-11d1-80b4-00c04fd430c8, 3 left":    "id ID, N left",
		"panic at 0xc000123456 in sha 9f86d081884c7d65":      "panic at ID in sha ID",
		"decade and facade":                                  "decade and facade",
		"bad \xff byte 7":                                    "bad \ufffd byte N",
	} {
		if got := Alike(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// TestGroupsAreBounded: errors that are all different are counted together.
func TestGroupsAreBounded(t *testing.T) {
	t.Parallel()
	g := groups{}
	for i := range 3000 {
		text := ""
		for n := i; n > 0; n /= 26 {
			text += string(rune('a' + n%26))
		}
		g.add(&task.Event{Error: text, Type: "t"})
	}
	all := g.sorted()
	if len(all) != maxGroups+1 || all[0].Text != otherErrors || all[0].Count != 2000 {
		t.Errorf("got %d, %+v", len(all), all[0])
	}
}
