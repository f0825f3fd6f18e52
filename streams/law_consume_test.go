package streams_test

import (
	"cmp"
	"errors"
	"slices"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/task"
)

func (w *lawWorld) fetch(rt *rapid.T) {
	n := w.node(rt)
	limit := rapid.IntRange(1, 6).Draw(rt, "limit")
	b, err := n.s.Fetch(w.ctx, limit, 0)
	w.must(err)
	want := w.m.queue[:min(limit, len(w.m.queue))]
	w.m.queue = w.m.queue[len(want):]
	if len(b.Deliveries) != len(want) || b.Paused != w.m.paused {
		w.Fatalf("fetched %d, paused %t, want %d, %t", len(b.Deliveries), b.Paused, len(want), w.m.paused)
	}
	lost := chance(rt, "reply lost", 5)
	for i := range want {
		d, e := b.Deliveries[i], want[i]
		w.sameDelivery(&d, e)
		e.holder = n.s.Name()
		w.m.pending[d.Entry] = e
		if !e.tomb {
			e.task.state = task.Running
		}
		if !lost {
			n.known[d.Entry] = &d
		}
	}
	if !lost {
		w.marks(n, b)
	}
}

func (w *lawWorld) sameDelivery(d *task.Delivery, e *lawEntry) {
	w.Helper()
	t := e.task
	if d.ID != t.id || string(d.Payload) != t.payload || d.Attempt != t.attempt || d.Count != e.count || d.Starts() != e.count-1+t.starts {
		w.Fatalf("delivery %+v, want %+v, count %d", d, *t, e.count)
	}
}

// marks: whoever fetches learns which of the tasks were cancelled.
func (w *lawWorld) marks(n *lawNode, b task.Batch) {
	w.Helper()
	var ids, want []task.ID
	for _, d := range b.Deliveries {
		ids = append(ids, d.ID)
		if w.m.pending[d.Entry].tomb {
			want = append(want, d.ID)
		}
	}
	if len(want) > 0 && b.Marks == 0 {
		w.Error("a cancelled task was delivered without a mark")
	}
	_, got, err := n.s.Renew(w.ctx, ids)
	if w.m.fenced[n.s.Name()] {
		w.fenced(n, err)
		return
	}
	w.must(err)
	if d := gocmp.Diff(want, got); d != "" {
		w.Errorf("cancelled (-want +got):\n%s", d)
	}
}

// fenced compares the answer to a consumer that lost its deliveries, which then
// gives up.
func (w *lawWorld) fenced(n *lawNode, err error) {
	w.Helper()
	if !errors.Is(err, task.ErrFenced) {
		w.Fatalf("a fenced consumer was told %v", err)
	}
	w.drop(n)
}

var lawKinds = []task.Kind{
	task.OutcomeSuccess, task.OutcomeSuccess, task.OutcomeSuccess, task.OutcomeRetry, task.OutcomeSnooze, task.OutcomeDead,
	task.HandedBack, task.OutcomeCancel, task.OutcomeExpire,
}

// settle records outcomes of some of what a node knows. Fenced it is told so;
// otherwise each answer is what the owner of the entry makes it.
func (w *lawWorld) settle(rt *rapid.T) {
	n := w.node(rt)
	token, err := w.db.HGet(w.ctx, w.k.Meta, "token").Result()
	w.must(err)
	var out []task.Settlement
	strict := false
	for _, at := range n.positions() {
		if chance(rt, "not this one", 3) {
			continue
		}
		d := n.known[at]
		kind := rapid.SampledFrom(lawKinds).Draw(rt, "kind")
		delay := rapid.SampledFrom([]time.Duration{0, time.Millisecond, time.Hour}).Draw(rt, "delay")
		out = append(out, task.Settlement{Delivery: d, Kind: kind, Delay: delay, Error: "e", Reason: "r", Ran: time.Millisecond})
		strict = strict || d.Token != token
	}
	if len(out) == 0 {
		return
	}
	answers, err := n.s.Settle(w.ctx, out)
	if w.m.fenced[n.s.Name()] {
		w.fenced(n, err)
		return
	}
	w.must(err)
	for lost := chance(rt, "reply lost", 3); lost; lost = chance(rt, "and again", 3) {
		n.s.Repeat()
		again, err := n.s.Settle(w.ctx, out)
		w.must(err)
		if d := gocmp.Diff(answers, again); d != "" {
			w.Fatalf("asked again (-first +again):\n%s", d)
		}
	}
	for _, i := range settleOrder(out) {
		w.answered(n, &out[i], answers[i], strict)
	}
}

// settleOrder is the order in which one call is worked off.
func settleOrder(out []task.Settlement) []int {
	order := make([]int, len(out))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := out[a].Kind != task.OutcomeSuccess, out[b].Kind != task.OutcomeSuccess
		if x != y {
			return map[bool]int{false: -1, true: 1}[x]
		}
		return cmp.Compare(out[a].Delivery.ID.LSN(), out[b].Delivery.ID.LSN())
	})
	return order
}

func (w *lawWorld) answered(n *lawNode, o *task.Settlement, got task.Answer, strict bool) {
	w.Helper()
	at := o.Delivery.Entry
	delete(n.known, at)
	e, want := w.m.pending[at], task.Recorded
	switch {
	case e == nil:
		want = task.Gone
	case e.holder == n.s.Name():
	case strict:
		want = task.Taken
	default:
		w.Errorf("%s settles %s under a fresh token, %s holds it", n.s.Name(), at, e.holder)
	}
	if got != want {
		w.Fatalf("settle %s as %s: %c, want %c", at, o.Kind, got, want)
	}
	if want == task.Recorded {
		w.m.settled(at, o.Kind, o.Delivery.Starts())
	}
}

// settleLate reports for the fenced what came too late.
func (w *lawWorld) settleLate(rt *rapid.T) {
	n := w.node(rt)
	if len(w.late) == 0 || w.m.fenced[n.s.Name()] {
		return
	}
	page := w.late[:min(len(w.late), 64)]
	w.late = w.late[len(page):]
	answers, err := n.s.Settle(w.ctx, page)
	w.must(err)
	for _, a := range answers {
		if a != task.Recorded {
			w.Errorf("late outcome: %c", a)
		}
	}
}

func (w *lawWorld) charge(rt *rapid.T) {
	n := w.node(rt)
	var ds []*task.Delivery
	for _, at := range n.positions() {
		if chance(rt, "this one", 2) {
			ds = append(ds, n.known[at])
		}
	}
	if len(ds) == 0 {
		return
	}
	told := make([]int, len(ds))
	for i, d := range ds {
		told[i] = d.Count
	}
	held, err := n.s.Charge(w.ctx, ds)
	if w.m.fenced[n.s.Name()] {
		w.fenced(n, err)
		return
	}
	w.must(err)
	if chance(rt, "reply lost", 3) {
		for i, d := range ds {
			d.Count = told[i]
		}
		again, err := n.s.Charge(w.ctx, ds)
		if w.must(err); !slices.Equal(held, again) {
			w.Errorf("asked again: %v, want %v", again, held)
		}
	}
	for i, d := range ds {
		e := w.m.pending[d.Entry]
		want := e != nil && e.holder == n.s.Name() && e.count == told[i]
		if held[i] != want {
			w.Errorf("charge %s: %t, want %t", d.Entry, held[i], want)
		}
		if want {
			e.count++
		}
	}
}

// sweep finds what the node does not know and holds, and nothing else.
func (w *lawWorld) sweep(rt *rapid.T) {
	n := w.node(rt)
	b, err := n.s.Sweep(w.ctx, func(at task.Position) bool { return n.known[at] != nil })
	w.must(err)
	var want []task.Position
	for _, at := range w.m.holding(n.s.Name()) {
		if n.known[at] == nil {
			want = append(want, at)
		}
	}
	w.taken(n, b, want, false)
}

// taken compares deliveries with the entries they should be of.
func (w *lawWorld) taken(n *lawNode, b task.Batch, want []task.Position, lost bool) {
	w.Helper()
	var got []task.Position
	for _, d := range b.Deliveries {
		got = append(got, d.Entry)
	}
	if d := gocmp.Diff(want, got); d != "" {
		w.Fatalf("entries (-want +got):\n%s", d)
	}
	for i := range b.Deliveries {
		d := &b.Deliveries[i]
		w.sameDelivery(d, w.m.pending[d.Entry])
		if !lost {
			n.known[d.Entry] = d
		}
	}
}
