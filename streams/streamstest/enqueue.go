package streamstest

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/task"
)

var enqueueCases = []testCase{
	{"now", enqueueNow},
	{"later", enqueueLater},
	{"past is now", enqueuePast},
	{"more than a batch", enqueueMany},
	{"more bytes than a batch", enqueueLarge},
	{"now and later in one call", enqueueMixed},
	{"invalid", enqueueInvalid},
	{"nothing", func(w *world) { w.enqueue() }},
}

// enqueueNow: what was put in comes out, whole.
func enqueueNow(w *world) {
	deadline := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	b := task.Birth{
		Type: "mail.send", Queue: queue, Payload: []byte("\x00\xff binary\r\n"),
		Headers: map[string]string{"b": "2", "a": "", "": "x"},
		Opts:    task.Opts{Retries: 3, Timeout: 90 * time.Second, Deadline: deadline},
	}
	id := w.enqueue(b)[0]
	s := w.join()
	d := w.fetch(s, 1)[0]
	want := task.Delivery{
		ID: id, Type: b.Type, Queue: queue, Attempt: 1, EnqueuedAt: id.Time(), Headers: b.Headers, Payload: b.Payload,
		Opts: b.Opts, Entry: id.Birth(), Count: 1, Token: d.Token,
	}
	if diff := cmp.Diff(want, d); diff != "" || d.Token == "" {
		w.Errorf("delivery (-want +got), token %q:\n%s", d.Token, diff)
	}
	if d.Starts() != 0 {
		w.Errorf("starts: got %d, want 0", d.Starts())
	}
	w.settle(s, task.OutcomeSuccess, task.Recorded, d)
	w.nothing(s)
}

// enqueueLater: it waits, with everything it was given.
func enqueueLater(w *world) {
	b := birth("later")
	b.In, b.Opts = time.Hour, task.Opts{Retries: -1}
	id := w.enqueue(b)[0]
	s := w.join()
	w.nothing(s)
	st := w.state(id, task.Waiting)
	if wait := st.DueAt.Sub(id.Time()); wait != time.Hour {
		w.Errorf("due %s after its birth, want 1h", wait)
	}
	at := time.Now().Add(2 * time.Hour).Truncate(time.Millisecond)
	b.In, b.At = 0, at
	if got := w.state(w.enqueue(b)[0], task.Waiting).DueAt; !got.Equal(at) {
		w.Errorf("due at %s, want %s", got, at)
	}
}

// enqueuePast: a moment that has passed is due at once, however long ago.
func enqueuePast(w *world) {
	var births []task.Birth
	for _, at := range []time.Time{time.Now().Add(-time.Hour), time.UnixMilli(0), time.UnixMilli(-5), time.Unix(-1<<40, 0)} {
		b := birth(fmt.Sprint(at.Unix()))
		b.At = at
		births = append(births, b)
	}
	ids := w.enqueue(births...)
	w.release(ids...)
	s := w.join()
	w.settle(s, task.OutcomeSuccess, task.Recorded, w.fetch(s, len(ids))...)
	b := birth("far")
	b.At = time.Unix(1<<50, 0)
	if st := w.state(w.enqueue(b)[0], task.Waiting); st.DueAt.Year() != 9999 {
		w.Errorf("due at %s, want the year 9999", st.DueAt)
	}
}

func enqueueMany(w *world) {
	const n = 1000
	births := make([]task.Birth, n)
	for i := range births {
		births[i] = birth(fmt.Sprint(i))
	}
	ids := w.enqueue(births...)
	s := w.join()
	for i, d := range w.fetch(s, n) {
		if d.ID != ids[i] || string(d.Payload) != fmt.Sprint(i) {
			w.Fatalf("delivery %d: %s %q, want %s", i, d.ID, d.Payload, ids[i])
		}
	}
}

func enqueueLarge(w *world) {
	big := bytes.Repeat([]byte("x"), 300<<10)
	births := make([]task.Birth, 5)
	for i := range births {
		births[i] = birth("")
		births[i].Payload = big
	}
	ids := w.enqueue(births...)
	s := w.join()
	for i, d := range w.fetch(s, len(ids)) {
		if d.ID != ids[i] || !bytes.Equal(d.Payload, big) {
			w.Fatalf("delivery %d: %s with %d bytes, want %s", i, d.ID, len(d.Payload), ids[i])
		}
	}
}

// enqueueMixed: answers come in the order of the births, whatever lane they took.
func enqueueMixed(w *world) {
	births := make([]task.Birth, 12)
	for i := range births {
		births[i] = birth(fmt.Sprint(i))
		if i%3 == 1 {
			births[i].In = time.Hour
		}
	}
	for i, id := range w.enqueue(births...) {
		want := task.Ready
		if i%3 == 1 {
			want = task.Waiting
		}
		if st := w.state(id, want); string(st.Payload) != fmt.Sprint(i) {
			w.Errorf("answer %d is of the task %q", i, st.Payload)
		}
	}
}

// enqueueInvalid: what is valid before the first that is not goes in.
func enqueueInvalid(w *world) {
	births := []task.Birth{birth("good"), birth("bad"), birth("good")}
	births[1].Type = "no type"
	got, err := w.log.Enqueue(w.ctx, births)
	if !errors.Is(err, task.ErrInvalidName) || len(got) != 1 {
		w.Errorf("enqueue: %d in, %v, want 1 and %v", len(got), err, task.ErrInvalidName)
	}
	births[1].Type, births[1].Queue = "work", "no/queue"
	if got, err = w.log.Enqueue(w.ctx, births); !errors.Is(err, task.ErrInvalidName) || len(got) != 1 {
		w.Errorf("enqueue: %d in, %v, want 1 and %v", len(got), err, task.ErrInvalidName)
	}
	if n := w.stats().Enqueued; n != 2 {
		w.Errorf("enqueued %d, want 2", n)
	}
}
