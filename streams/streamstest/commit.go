package streamstest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tidemill/tidemill/task"
)

var commitCases = []testCase{
	{"many goroutines", commitMany},
	{"withdrawn before it is sent", commitWithdrawn},
	{"one caller's end fails nobody else", commitLeavers},
	{"closed", commitClosed},
}

// commitMany: every caller gets the ids of its own births.
func commitMany(w *world) {
	const callers, rounds = 16, 5
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[task.ID]string{}
	for c := range callers {
		wg.Go(func() {
			for r := range rounds {
				births := make([]task.Birth, 1+(c+r)%5)
				for i := range births {
					births[i] = birth(fmt.Sprintf("%d/%d/%d", c, r, i))
					if c%4 == 3 {
						births[i].In = time.Hour
					}
				}
				got, err := w.log.Enqueue(w.ctx, births)
				if err != nil || len(got) != len(births) {
					w.Errorf("enqueue: %d of %d, %v", len(got), len(births), err)
				}
				mu.Lock()
				for i := range got {
					seen[got[i].ID] = string(births[i].Payload)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	n := 0
	for _, e := range w.events() {
		if e.Kind == task.Born || e.Kind == task.Scheduled {
			n++
			if seen[e.Task] != string(e.Payload) {
				w.Fatalf("%s holds %q, its caller sent %q", e.Task, e.Payload, seen[e.Task])
			}
		}
	}
	if n != len(seen) {
		w.Errorf("%d births in the log, %d were answered", n, len(seen))
	}
}

// commitWithdrawn: a caller whose context has ended is told that nothing is in.
func commitWithdrawn(w *world) {
	w.ready(1)
	ctx, cancel := context.WithCancelCause(w.ctx)
	cause := errors.New("changed my mind")
	cancel(cause)
	got, err := w.log.Enqueue(ctx, []task.Birth{birth("never")})
	if len(got) != 0 || !errors.Is(err, cause) || errors.Is(err, task.ErrUncertain) {
		w.Errorf("got %v, %v, want %v", got, err, cause)
	}
	if n := w.stats().Enqueued; n != 1 {
		w.Errorf("enqueued %d, want 1", n)
	}
}

// commitLeavers: callers that leave at any moment are told the truth or that
// nobody knows; those that stay are served.
func commitLeavers(w *world) {
	w.ready(1)
	var wg sync.WaitGroup
	var mu sync.Mutex
	in, maybe := 0, 0
	for c := range 24 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(w.ctx, time.Duration(c%12)*50*time.Microsecond)
			if c%3 == 0 {
				ctx = w.ctx
			}
			defer cancel()
			for range 6 {
				births := make([]task.Birth, 1+c%16)
				for i := range births {
					births[i] = birth("x")
				}
				got, err := w.log.Enqueue(ctx, births)
				if err != nil && c%3 == 0 {
					w.Errorf("a caller that stayed: %v", err)
				}
				mu.Lock()
				if in += len(got); errors.Is(err, task.ErrUncertain) {
					maybe += len(births) - len(got)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	w.ready(1) // the lanes still work, and what was in flight is in
	if n := int(w.stats().Enqueued) - 2; n < in || n > in+maybe {
		w.Errorf("enqueued %d, answered %d, uncertain %d", n, in, maybe)
	}
}

func commitClosed(w *world) {
	l := w.log
	w.log = nil
	if err := l.Close(); err != nil {
		w.Error(err)
	}
	if _, err := l.Enqueue(w.ctx, []task.Birth{birth("x")}); !errors.Is(err, task.ErrClosed) {
		w.Errorf("got %v, want %v", err, task.ErrClosed)
	}
}
