package replay

import (
	"cmp"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/task"
)

// drawFilter asks for some of the things that the worlds have.
func drawFilter(t *rapid.T, h *history) Filter {
	e := rapid.SampledFrom(h.logs["q"][0]).Draw(t, "event")
	f := Filter{}
	for _, field := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
		"from", "to", "from lsn", "to lsn", "queue", "id", "type", "kind", "state", "error", "consumer", "actor", "header", "key", "sample",
	}), 0, 3, rapid.ID[string]).Draw(t, "fields") {
		switch field {
		case "from":
			f.From = time.UnixMilli(e.At.Ms)
		case "to":
			f.To = time.UnixMilli(e.At.Ms + 10)
		case "from lsn":
			f.FromLSN = e.At.LSN
		case "to lsn":
			f.ToLSN = e.At.LSN + 10
		case "queue":
			f.Queues = []task.Queue{"q"}
		case "id":
			f.IDs = []task.ID{e.Task}
		case "type":
			f.Types = []task.Type{"a"}
		case "kind":
			f.Kinds = []task.Kind{task.Born, task.Reclaimed, e.Kind}
		case "state":
			f.States = []task.State{task.Ready, task.Dead, task.Lost}
		case "error":
			f.Error = "oo"
		case "consumer":
			f.Consumers = []string{"c2"}
		case "actor":
			f.Actors = []string{"ops"}
		case "header":
			f.Headers = map[string]string{"type": "b"}
		case "key":
			f.Key = "key-a"
		case "sample":
			f.Sample = 0.5
		}
	}
	return f
}

// asked is what a filter asks for, by what is true of every event.
func asked(h *history, truth map[string][]task.Event, f *Filter) []task.Event {
	var all []task.Event
	for _, q := range []task.Queue{"q", "r"} {
		for n, log := range h.logs[q] {
			for i, e := range log {
				if f.Match(&truth[part{queue: q, n: n}.name()][i]) {
					e.Queue = q
					all = append(all, e)
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b task.Event) int { return cmp.Compare(a.At.Ms, b.At.Ms) })
	return all
}

func collect(t *rapid.T, h *history, f Filter, c Cursor, limit int) []task.Event {
	var got []task.Event
	for e, err := range Select(t.Context(), h, f, c) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, e); len(got) == limit {
			break
		}
	}
	return got
}

// TestSelect: what comes is what matches, though most events do not tell the
// type, the headers or even the id of their task, wherever the reading begins.
func TestSelect(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h, truth := drawHistory(t)
		f := drawFilter(t, h)
		want := asked(h, truth, &f)
		c := Cursor{}
		if diff := gocmp.Diff(want, collect(t, h, f, c, -1)); diff != "" {
			t.Fatalf("%+v: want - got +\n%s", f, diff)
		}
		if again := collect(t, h, f, c, -1); len(again) > 0 {
			t.Fatalf("%+v: from its end: got %v", f, again)
		}
	})
}

// TestSelectResumes: an interrupted reading goes on with the next event, also in
// the middle of an entry, and the cursor survives as text.
func TestSelectResumes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h, truth := drawHistory(t)
		f := drawFilter(t, h)
		want := asked(h, truth, &f)
		var got []task.Event
		for c := (Cursor{}); len(got) < len(want); {
			part := collect(t, h, f, c, rapid.IntRange(1, 9).Draw(t, "limit"))
			if len(part) == 0 {
				break
			}
			got = append(got, part...)
			again, err := ParseCursor(c.String())
			if err != nil {
				t.Fatal(err)
			}
			c = again
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("%+v: want - got +\n%s", f, diff)
		}
	})
}

// TestTimelineIsSelected: the timeline of a task is what is about it.
func TestTimelineIsSelected(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h, truth := drawHistory(t)
		var births []task.Event
		for _, log := range truth {
			births = append(births, slices.DeleteFunc(slices.Clone(log), func(e task.Event) bool { return e.Task.IsZero() })...)
		}
		if len(births) == 0 {
			return
		}
		slices.SortStableFunc(births, func(a, b task.Event) int {
			return cmp.Or(slices.Compare(a.Task[:], b.Task[:]), cmp.Compare(a.At.LSN, b.At.LSN))
		})
		id := rapid.SampledFrom(births).Draw(t, "task").Task
		got, err := Timeline(t.Context(), h, id)
		if err != nil {
			t.Fatal(err)
		}
		want := slices.DeleteFunc(births, func(e task.Event) bool { return e.Task != id })
		places := func(es []task.Event) (all []Mark) {
			for _, e := range es {
				if e.Task != id || e.Queue == "" {
					t.Fatalf("got %+v", e)
				}
				all = append(all, Mark{e.At, e.Item})
			}
			return all
		}
		if diff := gocmp.Diff(places(want), places(got)); diff != "" {
			t.Fatalf("want - got +\n%s", diff)
		}
	})
}
