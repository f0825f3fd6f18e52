package check

import (
	"maps"
	"slices"

	"github.com/oklog/ulid/v2"

	"github.com/tidemill/tidemill/integration/history"
)

// ask is one birth that a client asked for, and what it was told.
type ask struct {
	history.Birth
	at    int64  // when it was asked
	end   int64  // when it was answered
	res   string // how the operation ended; empty: the client died
	id    ulid.ULID
	told  bool // the id: it is known to be in
	known bool // an older task has the key
}

// calls pairs the lines of one client: an invoke, and how it ended.
func calls(ops []history.Op, each func(invoke history.Op, end *history.Op)) {
	ended := map[int64]*history.Op{}
	for i := range ops {
		if ops[i].Res != history.Invoke {
			ended[ops[i].N] = &ops[i]
		}
	}
	for _, op := range ops {
		if op.Res == history.Invoke {
			each(op, ended[op.N])
		}
	}
}

// each goes over all operations of all clients.
func (c *checker) each(do string, f func(invoke history.Op, end *history.Op)) {
	for _, name := range slices.Sorted(maps.Keys(c.in.Ops)) {
		calls(c.in.Ops[name], func(invoke history.Op, end *history.Op) {
			if invoke.Do == do {
				f(invoke, end)
			}
		})
	}
}

// clients reads what was asked, and checks every birth that was acknowledged.
func (c *checker) clients() {
	c.each(history.Enqueue, func(invoke history.Op, end *history.Op) {
		c.r.Attempted += len(invoke.Births)
		for i, b := range invoke.Births {
			a := ask{Birth: b, at: invoke.T}
			if end != nil {
				a.res, a.end = end.Res, end.T
				c.told(&a, end, i)
			}
			c.asked[b.Tag] = append(c.asked[b.Tag], a)
		}
		if end != nil && end.Res == history.OK && len(end.IDs) < len(invoke.Births) {
			c.violate("I1", "op %d: ok, with %d ids for %d births", invoke.N, len(end.IDs), len(invoke.Births))
		}
	})
	for _, explained := range c.gone { // one birth may have been acknowledged more than once
		if explained {
			c.r.LostReported++
		} else {
			c.r.Lost++
		}
	}
}

func (c *checker) told(a *ask, end *history.Op, i int) {
	if i >= len(end.IDs) {
		return
	}
	id, err := parseID(end.IDs[i])
	if err != nil {
		c.violate("I1", "%s was acknowledged as %q: %v", a.Tag, end.IDs[i], err)
		return
	}
	a.id, a.told, a.known = id, true, i < len(end.Known) && end.Known[i]
	c.r.Acknowledged++
	c.acked[id] = true
	c.acknowledged(a)
}

// acknowledged checks one birth: it is in the log at its address, or a fault of
// the run explains that it is not (I1).
func (c *checker) acknowledged(a *ask) {
	f := c.byNum[partitionOf(a.id)]
	if f == nil {
		c.lose(a, "%s, acknowledged as %s: nothing was seen of partition %d", a.Tag, a.id, partitionOf(a.id))
		return
	}
	l := f.lives[a.id]
	switch {
	case l != nil && l.born:
		c.same(a, l)
	case f.lostAt(address(a.id)) != nil:
		c.reported(a, f.lostAt(address(a.id)))
	case f.takenAt(address(a.id), l):
		c.r.Taken++
	case f.trimmedAt(address(a.id)):
		c.r.Unseen++
	default:
		c.lose(a, "%s, acknowledged as %s, has no birth", a.Tag, a.id)
	}
}

func (c *checker) lose(a *ask, format string, args ...any) {
	c.gone[a.id] = false
	c.violate("I1", format, args...)
}

// same checks that the id leads to what was asked for.
func (c *checker) same(a *ask, l *life) {
	if l.key != a.Key {
		c.violate("I1", "%s with key %q was acknowledged as %s, which has key %q", a.Tag, a.Key, a.id, l.key)
	}
	if !a.known && l.tag != a.Tag {
		c.violate("I1", "%s was acknowledged as %s, which is %s", a.Tag, a.id, l.tag)
	}
	if a.known && a.Key == "" {
		c.violate("I1", "%s has no key, and was told that %s is older", a.Tag, a.id)
	}
}

// reported is a loss that Redis made and the log tells. It is in order only when
// a fault of the run lets Redis lose that much.
func (c *checker) reported(a *ask, ep *epoch) {
	if !c.mayLose(a) {
		c.lose(a, "%s, acknowledged as %s, was lost with the tail before %s (%s), and no fault explains it", a.Tag, a.id, ep.at, ep.cause)
		return
	}
	if _, judged := c.gone[a.id]; !judged {
		c.gone[a.id] = true
	}
}

func (c *checker) mayLose(a *ask) bool {
	return slices.ContainsFunc(c.in.Faults, func(f history.Fault) bool {
		loses := f.Loses == history.All || f.Loses == history.Tail && !(a.Replicated && a.res == history.OK)
		return loses && (f.To == 0 || a.at <= f.To) && !beyond(&f, a.end)
	})
}

// beyond reports whether what was acknowledged at t is safe from a fault that loses a
// tail, because the tail does not go back so far.
func beyond(f *history.Fault, t int64) bool {
	return f.Loses == history.Tail && f.HorizonMs > 0 && t < f.From-f.HorizonMs*msNs
}

// takenAt reports whether a stranger took the birth: it is missing in the log,
// or the log says that it vanished.
func (f *fold) takenAt(at pos, l *life) bool {
	if !f.c.losing.taken {
		return false
	}
	_, missing := f.gapAt(at.lsn)
	return missing || l != nil && l.state == lost
}

// trimmedAt reports whether the birth was trimmed before the witness saw it.
func (f *fold) trimmedAt(at pos) bool {
	g, missing := f.gapAt(at.lsn)
	return missing && g.explained == "trimmed"
}
