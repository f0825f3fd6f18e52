package replay

import (
	"context"
	"iter"
	"runtime"
	"testing"
	"time"

	"github.com/tidemill/tidemill/task"
)

// long is a history of n tasks that ended at once, and the live state behind it. It
// measures what whoever reads it holds at its end.
type long struct {
	n    int64
	heap *uint64
}

func (l long) Queues(context.Context) (map[task.Queue]int, error) {
	return map[task.Queue]int{"q": 1}, nil
}

func (l long) Events(_ context.Context, _ task.Queue, _ int, after task.Position) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		if after.LSN > 0 {
			return
		}
		for i := range l.n {
			born := task.Position{Ms: 1000 + i, LSN: 2*i + 1}
			ended := task.Position{Ms: 1000 + i, LSN: 2*i + 2}
			id := task.NewID(0, 1, born)
			if !yield(task.Event{At: born, Kind: task.Born, Task: id, Type: "t", Attempt: 1}, nil) ||
				!yield(task.Event{At: ended, Kind: task.OutcomeSuccess, Task: id, Prev: born, Attempt: 1}, nil) {
				return
			}
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		*l.heap = m.HeapAlloc
	}
}

func (l long) Live(context.Context, task.Queue, int) (*task.Live, error) {
	live := &task.Live{Settled: true}
	live.LSN, live.Enqueued, live.Succeeded = 2*l.n, l.n, l.n
	return live, nil
}

// Memory does not grow with the length of the history.
func TestMemoryConstant(t *testing.T) { //nolint:paralleltest // it measures the heap
	for name, read := range map[string]func(l long) error{
		"fsck": func(l long) error {
			r, err := Fsck(t.Context(), l, l)
			if err == nil && (!r.OK() || r.Tasks != int(l.n) || r.States[task.Succeeded] != int(l.n)) {
				t.Errorf("fsck: %+v", r)
			}
			return err
		},
		"gaps": func(l long) error {
			_, err := Gaps(t.Context(), l)
			return err
		},
		"state": func(l long) error {
			_, err := At(t.Context(), l, Moment{LSN: 2 * l.n, Queue: "q"})
			return err
		},
		"statistics": func(l long) error {
			_, err := Statistics(t.Context(), l, Filter{}, time.Hour)
			return err
		},
	} {
		held := func(n int64) (heap uint64) {
			if err := read(long{n, &heap}); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return heap
		}
		few, many := held(1000), held(200_000)
		if grown := int64(many) - int64(few); grown > 1<<20 {
			t.Errorf("%s: %d B more for 200,000 tasks than for 1,000", name, grown)
		}
	}
}
