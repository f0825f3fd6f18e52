package streams_test

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// birth draws one birth; later ones wait a moment or for ever.
func (w *lawWorld) birth(rt *rapid.T, later bool) task.Birth {
	w.n++
	b := task.Birth{Type: "work", Queue: queue, Payload: fmt.Appendf(nil, "%d", w.n)}
	if later {
		b.In = rapid.SampledFrom([]time.Duration{time.Millisecond, 2 * time.Millisecond, time.Hour}).Draw(rt, "in")
		if chance(rt, "expires", 4) {
			b.Opts.Deadline = time.UnixMilli(1)
		}
	}
	if chance(rt, "keyed", 4) {
		b.Key, b.KeyTTL = rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(rt, "key"), time.Hour
	}
	return b
}

func (w *lawWorld) enqueue(rt *rapid.T) {
	l, _ := pick(rt, "producer", w.logs)
	later := chance(rt, "later", 3)
	births := make([]task.Birth, rapid.IntRange(1, 4).Draw(rt, "births"))
	for i := range births {
		births[i] = w.birth(rt, later)
	}
	got, err := l.Enqueue(w.ctx, births)
	w.must(err)
	for lost := chance(rt, "reply lost", 3); lost; lost = chance(rt, "and again", 3) {
		w.must(l.RepeatBatch(w.ctx, queue, later))
		again, err := l.Enqueue(w.ctx, births)
		w.must(err)
		if d := cmp.Diff(got, again); d != "" {
			w.Fatalf("asked again (-first +again):\n%s", d)
		}
	}
	for i := range births {
		b, e := &births[i], got[i]
		old, known := w.m.keys[b.Key]
		known = known && b.Key != ""
		if e.Existing != known || known && e.ID != old {
			w.Fatalf("birth with key %q: %v, want %s: %t", b.Key, e, old, known)
		}
		if known {
			continue
		}
		if b.Key != "" {
			w.m.keys[b.Key] = e.ID
		}
		w.m.born(e.ID, string(b.Payload), later, !b.Opts.Deadline.IsZero())
	}
}

// release asks for everything that waits. What goes must be due, what was due
// before must go.
func (w *lawWorld) release(rt *rapid.T) {
	z, err := w.logs[1].Waiting(w.ctx, queue, 0)
	w.must(err)
	defer z.Close()
	before, now, err := z.Upcoming(w.ctx, 1000)
	w.must(err)
	w.sameWaiting(before)
	asked := before[:min(len(before), streams.MaxRelease)]
	ids := make([]task.ID, len(asked))
	for i, d := range asked {
		ids[i] = d.ID
	}
	n, _, after, err := z.Release(w.ctx, ids)
	w.must(err)
	if chance(rt, "reply lost", 4) {
		more, _, later, err := z.Release(w.ctx, ids)
		w.must(err)
		n, after = n+more, later
	}
	left, _, err := z.Upcoming(w.ctx, 1000)
	w.must(err)
	still := map[task.ID]bool{}
	for _, d := range left {
		still[d.ID] = true
	}
	for _, d := range asked {
		switch {
		case still[d.ID] && d.Ms <= now:
			w.Errorf("%s was due at %d and is left at %d", d.ID, d.Ms, now)
		case !still[d.ID] && d.Ms > after:
			w.Errorf("%s is due at %d and was released by %d", d.ID, d.Ms, after)
		case !still[d.ID]:
			t := w.m.byID[d.ID]
			if w.m.released(t); t.state == task.Ready {
				n--
			}
		}
	}
	if n != 0 {
		w.Errorf("released %d more than were due", n)
	}
}

// sameWaiting compares who waits, in order of due and birth.
func (w *lawWorld) sameWaiting(dues []task.Due) {
	w.Helper()
	waiting := w.m.waiting()
	for _, d := range dues {
		if !waiting[d.ID] {
			w.Errorf("%s waits, its state is %s", d.ID, w.m.byID[d.ID].state)
		}
	}
	if len(dues) != len(waiting) {
		w.Errorf("%d wait, want %d", len(dues), len(waiting))
	}
	sorted := slices.IsSortedFunc(dues, func(a, b task.Due) int {
		if a.Ms != b.Ms {
			return int(a.Ms - b.Ms)
		}
		return compareIDs(a.ID, b.ID)
	})
	if !sorted {
		w.Errorf("dues out of order: %v", dues)
	}
}

func (w *lawWorld) cancel(rt *rapid.T) {
	t, ok := w.anyTask(rt)
	if !ok {
		return
	}
	want := streams.CancelDone
	switch was := w.m.cancel(t); {
	case was == task.Running:
		want = streams.CancelRequested
	case was.Terminal() && was != task.Cancelled:
		want = streams.CancelFinished
	}
	for range rapid.IntRange(1, 2).Draw(rt, "times") {
		got, err := w.logs[1].Cancel(w.ctx, t.id, by)
		if errors.Is(err, task.ErrNotFound) && t.state.Terminal() && t.id.LSN() < w.m.floor {
			return // trimmed
		}
		if w.must(err); got != want {
			w.Errorf("cancel %s: %d, want %d", t.id, got, want)
		}
	}
}

func (w *lawWorld) requeue(rt *rapid.T) {
	t, ok := w.dead(rt)
	if !ok {
		return
	}
	err := w.logs[0].Requeue(w.ctx, t.id, by)
	if t.state != task.Dead {
		if !errors.Is(err, task.ErrNotDead) {
			w.Errorf("requeue %s: %v, want %v", t.id, err, task.ErrNotDead)
		}
		return
	}
	w.must(err)
	t.attempt, t.starts, t.marked = t.attempt+1, 0, false
	w.m.ready(t)
}

// dead draws a dead task mostly, and sometimes another.
func (w *lawWorld) dead(rt *rapid.T) (*lawTask, bool) {
	if chance(rt, "any", 4) {
		return w.anyTask(rt)
	}
	var dead []*lawTask
	for _, t := range w.m.tasks {
		if t.state == task.Dead {
			dead = append(dead, t)
		}
	}
	return pick(rt, "dead", dead)
}

func (w *lawWorld) purge(rt *rapid.T) {
	want := 0
	var ids []task.ID
	for range rapid.IntRange(1, 3).Draw(rt, "purged") {
		t, ok := w.dead(rt)
		if !ok {
			break
		}
		ids = append(ids, t.id)
		if t.state == task.Dead {
			t.state = task.Purged
			want++
		}
	}
	if got, err := w.logs[0].Purge(w.ctx, ids, by); got != want || err != nil {
		w.Errorf("purged %d, %v, want %d", got, err, want)
	}
}

func (w *lawWorld) pause(*rapid.T) {
	w.m.paused = !w.m.paused
	if w.m.paused {
		w.must(w.logs[0].Pause(w.ctx, queue, by))
	} else {
		w.must(w.logs[1].Resume(w.ctx, queue, by))
	}
}

func (w *lawWorld) trim(*rapid.T) { w.trimAll() }

// trimAll cuts what may go: nothing that is open may stand below the floor.
func (w *lawWorld) trimAll() {
	w.Helper()
	_, err := w.logs[0].Trim(w.ctx, queue, 0, "law", streams.Retention{Age: time.Millisecond})
	w.must(err)
	stats, err := w.logs[0].Reader().Stats(w.ctx, queue)
	w.must(err)
	w.m.floor = stats[0].Floor
	for at := range w.m.pending {
		if at.LSN < w.m.floor {
			w.Errorf("floor %d, pending since %s", w.m.floor, at)
		}
	}
}
