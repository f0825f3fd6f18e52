package streams_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/streams/streamstest"
	"github.com/tidemill/tidemill/task"
)

// steady makes random tests repeat themselves unless the caller says otherwise.
// The clock of Redis takes part, so a failure does not always come back.
func steady() {
	for name, value := range map[string]string{"checks": "12", "steps": "120", "seed": "20260801", "nofailfile": "true", "shrinktime": "10s"} {
		if err := flag.Set("rapid."+name, value); err != nil {
			panic(err)
		}
	}
}

// lawNode is a consumer, as the process that has it sees it.
type lawNode struct {
	s     *streams.Session
	known map[task.Position]*task.Delivery
}

// lawWorld runs random operations of several producers and consumers against
// the model. Replies get lost in that the call is made, its answer ignored, and
// then made again the way the caller would.
type lawWorld struct {
	*rapid.T
	ctx   context.Context
	logs  []*streams.Log // two processes
	db    redis.UniversalClient
	k     *keys.Partition
	m     *lawModel
	nodes []*lawNode
	late  []task.Settlement // of nodes that were fenced
	n     int               // for payloads
	jumps int               // epochs, each of which costs a trim some milliseconds
	bound argBound
}

var lawWorlds atomic.Int64

func newLawWorld(rt *rapid.T, ctx context.Context, url, namespace string) *lawWorld {
	n := lawWorlds.Add(1)
	if url == "mem://" {
		url += fmt.Sprintf("law-%d", n)
	}
	w := &lawWorld{T: rt, ctx: ctx, m: newLawModel()}
	for range 2 {
		l, err := streams.New(url, streams.Options{Namespace: fmt.Sprintf("%s-%d", namespace, n)})
		w.must(err)
		rt.Cleanup(func() { l.Close() })
		w.logs = append(w.logs, l)
		l.DB().AddHook(&w.bound)
	}
	w.db = w.logs[0].DB()
	var err error
	w.k, err = w.logs[0].Keys(ctx, queue, 0)
	w.must(err)
	return w
}

func (w *lawWorld) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// TestLaws: whatever happens, the log stays lawful (I1 to I6, I8), bounded (I10)
// and leaves no key without an end (I9).
func TestLaws(t *testing.T) {
	t.Parallel()
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			url, ns := b.url(t), redistest.Namespace(t)
			rapid.Check(t, func(rt *rapid.T) {
				w := newLawWorld(rt, t.Context(), url, ns)
				rt.Repeat(w.actions())
				w.compare()
				w.ends()
				w.bound.check(rt)
			})
		})
	}
}

func (w *lawWorld) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"enqueue": w.enqueue, "enqueue again": w.enqueue, "fetch": w.fetch, "fetch more": w.fetch, "settle": w.settle,
		"settle more": w.settle, "late": w.settleLate, "reclaim": w.reclaim, "reclaim stale": w.reclaimStale, "charge": w.charge,
		"sweep": w.sweep, "release": w.release, "release more": w.release, "cancel": w.cancel, "requeue": w.requeue, "purge": w.purge,
		"trim": w.trim, "pause": w.pause, "abandon": w.abandon, "leave": w.leave, "restart": w.restart, "destroy": w.destroy,
		"forget": w.forget,
	}
}

// compare ends a run: every task stands where the model says, and the log
// agrees with the live state.
func (w *lawWorld) compare() {
	w.Helper()
	l := w.logs[1]
	found, err := streamstest.Violations(w.ctx, l, queue, 0)
	w.must(err)
	for _, v := range found {
		w.Error(v)
	}
	for _, t := range w.m.tasks {
		st, err := l.Reader().Status(w.ctx, t.id)
		if err != nil && t.state.Terminal() && t.id.LSN() < w.m.floor {
			continue // trimmed
		}
		if w.must(err); st.State != t.state {
			w.Errorf("%s is %s, want %s", t.id, st.State, t.state)
		}
	}
	live, err := l.Reader().Live(w.ctx, queue, 0)
	w.must(err)
	if got, want := len(live.Open), len(w.m.queue)+len(w.m.pending); got != want {
		w.Errorf("%d entries are pending or undelivered, want %d", got, want)
	}
	for at := range w.m.pending {
		if !live.Open[at] {
			w.Errorf("%s is not pending", at)
		}
	}
}

// pick draws one element, or reports that there is none.
func pick[T any](rt *rapid.T, what string, from []T) (one T, ok bool) {
	if len(from) == 0 {
		return one, false
	}
	return from[rapid.IntRange(0, len(from)-1).Draw(rt, what)], true
}

// chance is true once in n.
func chance(rt *rapid.T, what string, n int) bool {
	return rapid.IntRange(1, n).Draw(rt, what) == n
}

// node draws a consumer, and makes one where there are few.
func (w *lawWorld) node(rt *rapid.T) *lawNode {
	if len(w.nodes) < 2 || len(w.nodes) < 4 && chance(rt, "join", 8) {
		s, err := w.logs[0].Join(w.ctx, queue, 0)
		w.must(err)
		w.Cleanup(s.Interrupt)
		w.nodes = append(w.nodes, &lawNode{s: s, known: map[task.Position]*task.Delivery{}})
	}
	n, _ := pick(rt, "node", w.nodes)
	return n
}

// drop forgets a node; what it knew it may still report, too late.
func (w *lawWorld) drop(n *lawNode) {
	w.nodes = slices.DeleteFunc(w.nodes, func(o *lawNode) bool { return o == n })
	for _, at := range n.positions() {
		w.late = append(w.late, task.Settlement{Delivery: n.known[at], Kind: task.StaleOutcome, Wanted: task.OutcomeSuccess, Reason: n.s.Name()})
	}
}

// positions lists what a node knows, in order.
func (n *lawNode) positions() []task.Position {
	var all []task.Position
	for at := range n.known {
		all = append(all, at)
	}
	slices.SortFunc(all, comparePositions)
	return all
}

// anyTask draws a task.
func (w *lawWorld) anyTask(rt *rapid.T) (*lawTask, bool) { return pick(rt, "task", w.m.tasks) }
