package rerun

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// history is a Source in memory: partitions of the queue "q".
type history [][]task.Event

func (h history) Queues(context.Context) (map[task.Queue]int, error) {
	return map[task.Queue]int{"q": len(h)}, nil
}

func (h history) Events(_ context.Context, _ task.Queue, n int, after task.Position) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		for _, e := range h[n] {
			if replay.Within(e.At, after) {
				continue
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// base is when histories begin.
var base = time.UnixMilli(1_700_000_000_000)

// author writes the log of one partition, and beside it what is true of it.
type author struct {
	n     task.Partition
	at    task.Position
	log   []task.Event
	truth []Recorded // every attempt that ended
}

func newAuthor(n int) *author {
	return &author{n: task.Partition(n + 3), at: task.Position{Ms: base.UnixMilli()}}
}

// after lets time pass before the next event.
func (a *author) after(d time.Duration) *author {
	a.at.Ms += d.Milliseconds()
	return a
}

func (a *author) write(e task.Event) *task.Event {
	a.at.LSN++
	e.At, e.Partition, e.Queue = a.at, a.n, "q"
	a.log = append(a.log, e)
	return &a.log[len(a.log)-1]
}

// born writes a birth; its payload names the task.
func (a *author) born(kind task.Kind, typ task.Type) task.Event {
	e := a.write(task.Event{Kind: kind, Type: typ, Attempt: 1, Opts: task.Opts{Deadline: base.Add(time.Hour)}})
	e.Task = task.NewID(a.n, 1, e.At)
	e.Payload = []byte(e.Task.String())
	if kind == task.Scheduled {
		e.DueMs = a.at.Ms
	}
	return *e
}

// again writes a release or a hand-back of a task.
func (a *author) again(kind task.Kind, d task.Event) task.Event {
	d.Kind, d.Prev = kind, d.At
	if kind == task.Released {
		d.DueMs = a.at.Ms
	}
	return *a.write(d)
}

// settle writes the outcome of a delivery; a success has the id as its digest.
func (a *author) settle(d task.Event, kind task.Kind, text string) task.Event {
	result := task.Digest{}
	if kind == task.OutcomeSuccess {
		result = task.Digest(d.Task)
	}
	e := *a.write(task.Event{
		Kind: kind, Task: d.Task, Attempt: d.Attempt, Consumer: "node", Error: text, Prev: d.At, Ran: 5 * time.Millisecond, Result: result,
	})
	a.truth = append(a.truth, Recorded{
		ID: d.Task, Kind: kind, Attempt: d.Attempt, Payload: d.Payload, Type: d.Type, Error: text, Result: result, At: e.At,
	})
	return e
}

// done writes a task that ended at once.
func (a *author) done(typ task.Type, kind task.Kind, text string) task.ID {
	d := a.born(task.Born, typ)
	a.settle(d, kind, text)
	return d.Task
}

// draw writes n steps by chance.
func (a *author) draw(r *rand.Rand, n int) {
	var ready, waiting []task.Event
	for range n {
		a.after(time.Duration(r.IntN(3)) * time.Millisecond)
		typ := task.Type(fmt.Sprintf("type%d", r.IntN(3)))
		switch k := r.IntN(6); {
		case k == 0:
			ready = append(ready, a.born(task.Born, typ))
		case k == 1:
			waiting = append(waiting, a.born(task.Scheduled, typ))
		case k == 2 && len(waiting) > 0:
			i := r.IntN(len(waiting))
			ready = append(ready, a.again(task.Released, waiting[i]))
			waiting = append(waiting[:i], waiting[i+1:]...)
		case len(ready) > 0:
			i := r.IntN(len(ready))
			d := ready[i]
			ready = append(ready[:i], ready[i+1:]...)
			switch kind := task.OutcomeSuccess + task.Kind(r.IntN(7)); kind {
			case task.OutcomeExpire + 1:
				ready = append(ready, a.again(task.HandedBack, d))
			case task.OutcomeRetry, task.OutcomeSnooze:
				a.settle(d, kind, "e")
				if kind == task.OutcomeRetry {
					d.Attempt++
				}
				waiting = append(waiting, d)
			default:
				a.settle(d, kind, "e")
			}
		}
	}
}
