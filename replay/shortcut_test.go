package replay

import (
	"context"
	"iter"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/task"
)

// indexed is a history with a fold of its first half and an index of tasks.
type indexed struct{ *history }

func (h indexed) Folded(_ context.Context, _ task.Queue, _ int, bound task.Position) (*task.Fold, error) {
	log := h.logs["q"][0]
	half := log[:len(log)/2]
	if !Within(half[len(half)-1].At, bound) {
		return nil, nil
	}
	f := task.NewFold()
	for i := range half {
		f.Add(&half[i])
	}
	return f, nil
}

func (h indexed) About(_ context.Context, _ task.Queue, _ int, after task.Position, id task.ID) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		for _, e := range h.logs["q"][0] {
			if e.Task == id && !Within(e.At, after) {
				if h.read++; !yield(e, nil) {
					return
				}
			}
		}
	}
}

// TestShortcuts: a source that has them is read less, to the same effect.
func TestShortcuts(t *testing.T) {
	t.Parallel()
	log := bulk(1000)
	plain, short := one(log), indexed{one(log)}
	for _, lsn := range []int64{1, 999, 1000, 1500, 2000} {
		want, err1 := At(t.Context(), plain, Moment{LSN: lsn})
		got, err2 := At(t.Context(), short, Moment{LSN: lsn})
		if err1 != nil || err2 != nil || cmp.Diff(want.Queues, got.Queues) != "" || cmp.Diff(want.AsOf, got.AsOf) != "" {
			t.Errorf("lsn %d: got %+v, %v, want %+v, %v", lsn, got, err2, want, err1)
		}
	}
	id := log[10].Task
	plain.read, short.read = 0, 0
	want, err1 := Timeline(t.Context(), plain, id)
	got, err2 := Timeline(t.Context(), short, id)
	if err1 != nil || err2 != nil || cmp.Diff(want, got) != "" || len(got) != 2 {
		t.Errorf("got %+v, %v, want %+v, %v", got, err2, want, err1)
	}
	if plain.read != 1+2000-10 || short.read != 1+2 {
		t.Errorf("read %d and %d events", plain.read, short.read)
	}
	n := 0
	for _, err := range Select(t.Context(), short, Filter{IDs: []task.ID{id}}, nil) {
		if n++; err != nil {
			t.Fatal(err)
		}
	}
	if n != 2 || short.read > 10 {
		t.Errorf("got %d events of %d", n, short.read)
	}
}
