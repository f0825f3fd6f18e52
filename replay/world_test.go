package replay

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/task"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// history is a Source in memory. It counts what is read of it.
type history struct {
	logs map[task.Queue][][]task.Event
	read int
}

func (h *history) Queues(context.Context) (map[task.Queue]int, error) {
	n := map[task.Queue]int{}
	for q, logs := range h.logs {
		n[q] = len(logs)
	}
	return n, nil
}

func (h *history) Events(_ context.Context, q task.Queue, n int, after task.Position) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		if n >= len(h.logs[q]) {
			yield(task.Event{}, fmt.Errorf("partition %d of %s: %w", n, q, task.ErrNotFound))
			return
		}
		log := h.logs[q][n]
		i, _ := slices.BinarySearchFunc(log, after, func(e task.Event, at task.Position) int {
			return cmp.Or(cmp.Compare(e.At.Ms, at.Ms), cmp.Compare(e.At.LSN, at.LSN), -1)
		})
		for _, e := range log[i:] {
			if h.read++; !yield(e, nil) {
				return
			}
		}
	}
}

// one is a history of a single partition.
func one(log []task.Event) *history {
	return &history{logs: map[task.Queue][][]task.Event{"q": {log}}}
}

// world writes the log of a partition by the law, and keeps beside it what is
// true of every event.
type world struct {
	number task.Partition
	log    []task.Event
	truth  []task.Event // the same, with task, type and headers
	at     task.Position
	ids    []task.ID
	states map[task.ID]task.State
	entry  map[task.ID]task.Position
	births map[task.ID]task.Event
}

func drawWorld(t *rapid.T, number task.Partition, steps int) *world {
	w := &world{number: number, states: map[task.ID]task.State{}, entry: map[task.ID]task.Position{}, births: map[task.ID]task.Event{}}
	w.at.Ms = 1000
	w.add(task.Event{Kind: task.EpochStarted, Reason: "created"}, false, task.Event{})
	for range rapid.IntRange(1, steps).Draw(t, "steps") {
		w.step(t)
	}
	return w
}

// add appends an event at the next place, or as another item of the last one.
func (w *world) add(e task.Event, item bool, about task.Event) {
	if last := len(w.log) - 1; item {
		e.At, e.Item = w.log[last].At, w.log[last].Item+1
	} else {
		w.at.LSN++
		e.At = w.at
	}
	e.Partition = w.number
	w.log = append(w.log, e)
	e.Task, e.Type, e.Headers, e.Opts.Key = about.Task, about.Type, about.Headers, about.Opts.Key
	w.truth = append(w.truth, e)
}

func (w *world) step(t *rapid.T) {
	w.at.Ms += rapid.Int64Range(0, 3).Draw(t, "ms")
	switch n := rapid.IntRange(0, 19).Draw(t, "what"); {
	case n == 0:
		w.at.LSN += rapid.Int64Range(0, 99).Draw(t, "jump")
		w.add(task.Event{Kind: task.EpochStarted, Reason: "restart"}, false, task.Event{})
	case n == 1:
		kinds := []task.Kind{task.Paused, task.Resumed, task.Trimmed, task.Recovered, task.Unknown}
		w.add(task.Event{Kind: rapid.SampledFrom(kinds).Draw(t, "partition"), Actor: "ops"}, false, task.Event{})
	case n < 6 || len(w.ids) == 0:
		id := task.NewID(w.number, 1, task.Position{Ms: w.at.Ms, LSN: w.at.LSN + 1})
		w.ids = append(w.ids, id)
		typ := rapid.SampledFrom([]task.Type{"a", "b"}).Draw(t, "type")
		w.births[id] = task.Event{Task: id, Type: typ, Headers: map[string]string{"type": string(typ)}, Opts: task.Opts{Key: "key-" + string(typ)}}
		w.move(t, id)
	default:
		w.move(t, rapid.SampledFrom(w.ids).Draw(t, "task"))
	}
}

func (w *world) move(t *rapid.T, id task.ID) {
	from := w.states[id]
	kind := rapid.SampledFrom(legal(from)).Draw(t, "kind")
	e := task.Event{Kind: kind, Task: id, Attempt: 1, Prev: w.entry[id], Consumer: "c1"}
	switch kind {
	case task.Born, task.Scheduled, task.Released, task.HandedBack:
		b := w.births[id]
		e.Type, e.Headers, e.Opts.Key, e.Consumer = b.Type, b.Headers, b.Opts.Key, ""
	case task.OutcomeRetry, task.OutcomeDead:
		e.Error, e.Ran = "boom", 1
	case task.Reclaimed, task.EntryLost:
		if from == task.Ready {
			e.Task, e.Actor = task.ID{}, "c2" // it names the entry alone
		}
	default:
	}
	last := len(w.log) - 1
	packed := w.log[last].Kind == kind && (kind == task.OutcomeSuccess || kind == task.Reclaimed || kind == task.PurgedDead)
	w.add(e, packed && rapid.Bool().Draw(t, "packed"), w.births[id])
	to, err := task.Apply(from, kind)
	if err != nil {
		t.Fatal(err)
	}
	w.states[id] = to
	switch {
	case isEntry(kind):
		w.entry[id] = w.at
	case to != task.Ready:
		delete(w.entry, id)
	}
}

// legal lists the events that may come next in a state.
func legal(s task.State) []task.Kind {
	return slices.DeleteFunc(task.Kinds(), func(k task.Kind) bool {
		_, err := task.Apply(s, k)
		return err != nil
	})
}

// drawHistory draws some partitions of two queues. The truth has the same events.
func drawHistory(t *rapid.T) (h *history, truth map[string][]task.Event) {
	h, truth = &history{logs: map[task.Queue][][]task.Event{}}, map[string][]task.Event{}
	for i := range rapid.IntRange(1, 3).Draw(t, "partitions") {
		w := drawWorld(t, task.Partition(i), 30)
		q := []task.Queue{"q", "r", "q"}[i]
		name := part{queue: q, n: len(h.logs[q])}.name()
		h.logs[q] = append(h.logs[q], w.log)
		for j := range w.truth {
			w.truth[j].Queue = q
		}
		truth[name] = w.truth
	}
	return h, truth
}
