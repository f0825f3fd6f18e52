package streams_test

import (
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/task"
)

// maxJumps bounds the epochs of one run.
const maxJumps = 4

// victim draws a consumer other than n, dead or alive, and its record.
func (w *lawWorld) victim(rt *rapid.T, n *lawNode) (name, record string, ok bool) {
	records, err := n.s.Observe(w.ctx, true)
	w.must(err)
	name, ok = pick(rt, "victim", slices.Sorted(maps.Keys(records)))
	return name, records[name], ok
}

// reclaim takes over from anybody, at any moment, as if it had been silent for a
// lease. The reply of the first page may get lost, or the taker may stop there.
func (w *lawWorld) reclaim(rt *rapid.T) {
	n := w.node(rt)
	victim, seen, ok := w.victim(rt, n)
	if !ok {
		return
	}
	want := w.m.holding(victim)
	b, more, err := n.s.Reclaim(w.ctx, victim, seen)
	if w.m.fenced[n.s.Name()] {
		w.fenced(n, err)
		return
	}
	w.must(err)
	if more != (len(want) > 0) {
		w.Errorf("more: %t, want %t", more, len(want) > 0)
	}
	w.m.fenced[victim] = true
	for _, at := range want {
		e := w.m.pending[at]
		e.holder = n.s.Name()
		if e.count <= 1 {
			e.count++ // a first delivery is charged; what a rebuilt group holds was none
		}
	}
	w.taken(n, b, want, chance(rt, "reply lost", 4))
	if more && !chance(rt, "stop here", 3) {
		if b, more, err = n.s.Reclaim(w.ctx, victim, seen); err != nil || more || len(b.Deliveries) > 0 {
			w.Errorf("second page: %d, more %t, %v", len(b.Deliveries), more, err)
		}
	}
}

// reclaimStale: whose record moved is alive.
func (w *lawWorld) reclaimStale(rt *rapid.T) {
	n := w.node(rt)
	victim, seen, ok := w.victim(rt, n)
	if !ok || seen == "" || seen == "dead" || w.m.fenced[n.s.Name()] {
		return
	}
	b, more, err := n.s.Reclaim(w.ctx, victim, "7"+seen)
	if w.must(err); more || len(b.Deliveries) > 0 {
		w.Errorf("took %d from the living", len(b.Deliveries))
	}
}

// abandon: a process dies.
func (w *lawWorld) abandon(rt *rapid.T) {
	w.drop(w.node(rt))
}

// leave: a clean stop, refused while something is held.
func (w *lawWorld) leave(rt *rapid.T) {
	n := w.node(rt)
	name := n.s.Name()
	holds := len(w.m.holding(name)) > 0
	err := n.s.Leave(w.ctx)
	if (err != nil) != holds {
		w.Errorf("leave: %v, holds something: %t", err, holds)
	}
	if w.drop(n); !holds {
		w.m.fenced[name] = true
	}
}

// restart: another server life answers, with everything it had. Its clock is
// behind the one that wrote the log.
func (w *lawWorld) restart(*rapid.T) {
	if w.jumps++; w.jumps > maxJumps {
		return
	}
	stats, err := w.logs[0].Reader().Stats(w.ctx, queue) // there was a life before
	w.must(err)
	w.must(w.db.HSet(w.ctx, w.k.Meta, "token", fmt.Sprintf("0123456789ab.7.%d", w.jumps), "ms", stats[0].NowMs+25).Err())
}

// forget: the records of all consumers are lost.
func (w *lawWorld) forget(rt *rapid.T) {
	if !chance(rt, "really", 3) {
		return
	}
	w.must(w.db.Del(w.ctx, w.k.Members).Err())
	for _, n := range w.nodes {
		w.m.fenced[n.s.Name()] = true
	}
	for _, e := range w.m.pending {
		w.m.fenced[e.holder] = true
	}
}

// destroy: the group is lost. Everything open is held by nobody who lives.
func (w *lawWorld) destroy(rt *rapid.T) {
	if !chance(rt, "really", 3) {
		return
	}
	l, _ := pick(rt, "who notices", w.logs)
	_, err := l.Reader().Stats(w.ctx, queue) // there was a group
	w.must(err)
	w.must(w.db.XGroupDestroy(w.ctx, w.k.Tasks, "workers").Err())
	_, err = l.Reader().Stats(w.ctx, queue)
	w.must(err)
	at := map[task.ID]task.Position{} // of the latest entry
	for e, err := range l.Reader().Events(w.ctx, queue, 0, task.Position{}) {
		if w.must(err); e.Kind == task.Born || e.Kind == task.Released || e.Kind == task.HandedBack {
			at[e.Task] = e.At
		}
	}
	clear(w.m.pending)
	w.m.queue = nil
	for _, t := range w.m.tasks {
		if t.state == task.Ready || t.state == task.Running {
			t.state = task.Running
			w.m.pending[at[t.id]] = &lawEntry{task: t, holder: "recover", count: 0}
		}
	}
}
