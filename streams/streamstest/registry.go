package streamstest

import (
	"errors"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

var registryCases = []testCase{
	{"queues", registryQueues},
	{"unknown queue", registryUnknown},
	{"queues do not share", registryApart},
}

func registryQueues(w *world) {
	names := []task.Queue{"a", "A", "a:b", "a.b-c_d"}
	want := map[task.Queue]int{}
	for _, q := range names {
		for range 2 {
			n, err := w.log.Register(w.ctx, q)
			if w.must(err); n != 1 {
				w.Errorf("%d partitions, want 1", n)
			}
		}
		want[q] = 1
	}
	got, err := w.log.Queues(w.ctx)
	w.must(err)
	if d := cmp.Diff(want, got); d != "" {
		w.Errorf("queues (-want +got):\n%s", d)
	}
	for _, q := range []task.Queue{"", "#next", "a/b", "{a}", "ä"} {
		if _, err := w.log.Register(w.ctx, q); !errors.Is(err, task.ErrInvalidName) {
			w.Errorf("register %q: %v, want %v", q, err, task.ErrInvalidName)
		}
	}
}

// registryUnknown: reading does not make a queue.
func registryUnknown(w *world) {
	r := w.log.Reader()
	if _, err := r.Stats(w.ctx, "none"); !errors.Is(err, task.ErrNotFound) {
		w.Errorf("stats: %v, want %v", err, task.ErrNotFound)
	}
	if err := w.log.Pause(w.ctx, "none", by); !errors.Is(err, task.ErrNotFound) {
		w.Errorf("pause: %v, want %v", err, task.ErrNotFound)
	}
	for _, err := range r.Events(w.ctx, "none", 0, task.Position{}) {
		if !errors.Is(err, task.ErrNotFound) {
			w.Errorf("events: %v, want %v", err, task.ErrNotFound)
		}
	}
	if _, err := w.log.Join(w.ctx, queue, 1); err == nil {
		w.Error("join of partition 1 of 1: no error")
	}
	if got, err := w.log.Queues(w.ctx); len(got) != 1 || err != nil {
		w.Errorf("queues %v, %v, want the one that was joined", got, err)
	}
}

func registryApart(w *world) {
	b := birth("x")
	mine := w.enqueue(b)[0]
	b.Queue = "other"
	theirs := w.enqueue(b)[0]
	if mine.Partition() == theirs.Partition() {
		w.Error("two queues share a partition number")
	}
	s := w.join()
	w.settle(s, task.OutcomeSuccess, task.Recorded, w.fetch(s, 1)...)
	w.nothing(s)
	w.cancel(mine, streams.CancelFinished)
	if st := w.state(theirs, task.Ready); st.Queue != "other" {
		w.Errorf("status %+v", st)
	}
	Check(w.T, w.log, "other")
}
