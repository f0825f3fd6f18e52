package check

import (
	"maps"
	"slices"
	"strconv"

	"github.com/oklog/ulid/v2"

	"github.com/tidemill/tidemill/integration/history"
)

// comparison holds a fold against what Redis held at the end (I6).
type comparison struct {
	*fold
	live *history.Live
	held map[pos]bool // pending or undelivered
}

func (c *checker) live(f *fold) {
	if f.part.Live == nil {
		c.violate("I6", "%s: its live keys were not read", f.name())
		return
	}
	m := &comparison{fold: f, live: f.part.Live, held: map[pos]bool{}}
	if lsn := m.live.Meta["lsn"]; lsn != strconv.FormatInt(f.last, 10) && !f.partial {
		c.violate("I6", "%s: the log ends at lsn %d, redis says %q", f.name(), f.last, lsn)
	}
	m.deliveries()
	m.openTasks()
	m.waits()
	m.graves()
	m.counters()
	m.marks()
	m.slots()
	m.keys()
	m.members()
}

func (m *comparison) wrong(format string, args ...any) {
	m.c.violate("I6", m.name()+": "+format, args...)
}

// deliveries: what is pending or undelivered is open in the log. Entries of tasks
// that were cancelled before their delivery stay until they are read.
func (m *comparison) deliveries() {
	delivered, err := parsePos(m.live.Delivered)
	if err != nil {
		m.wrong("last delivered: %v", err)
		return
	}
	for _, p := range m.live.Pending {
		at, err := parsePos(p.ID)
		if err != nil {
			m.wrong("pending: %v", err)
			continue
		}
		m.held[at] = true
		if info, ok := m.entries[at]; ok && info.gone {
			m.c.violate("I7", "%s: entry %s is pending, and not in the stream any more", m.name(), at)
		}
	}
	for at, info := range m.entries {
		if !info.gone && delivered.before(at) {
			m.held[at] = true
		}
	}
	for at := range m.held {
		_, open := m.open[at]
		_, dropped := m.dropped[at]
		_, ours := m.entries[at]
		if !open && !dropped && ours {
			m.wrong("entry %s is pending or undelivered, the log says it is settled", at)
		}
	}
}

// openTasks: what the log says is to be delivered is pending or undelivered, and
// still in the stream (I7).
func (m *comparison) openTasks() {
	for at, id := range m.open {
		if m.entries[at].gone {
			continue // counted with the ends
		}
		if !m.held[at] {
			m.wrong("%s is ready in the log, its entry %s is neither pending nor undelivered", id, at)
		}
	}
}

// waits: the waiting tasks are those of z, with their dues, and the log or d has
// their payload.
func (m *comparison) waits() {
	copies := map[string]bool{}
	for _, id := range m.live.Copies {
		copies[id] = true
		if _, ok := m.live.Waiting[id]; !ok {
			m.c.violate("I9", "%s: d has a copy of %s, which does not wait", m.name(), id)
		}
	}
	for id, l := range m.lives {
		if l.state != waiting {
			continue
		}
		due, ok := m.live.Waiting[id.String()]
		switch {
		case !ok:
			m.wrong("%s waits in the log, not in z", id)
		case due != l.due:
			m.wrong("%s is due %d in the log, %d in z", id, l.due, due)
		case l.gone && !copies[id.String()] && !m.c.losing.taken:
			m.c.violate("I7", "%s: %s waits, its birth is gone and there is no copy", m.name(), id)
		}
	}
	for id := range m.live.Waiting {
		m.stands(id, waiting, "z")
	}
}

// stands checks that a member of a live key is in the state that belongs there.
func (m *comparison) stands(name string, want state, key string) {
	id, err := parseID(name)
	if err != nil {
		m.wrong("%s: %v", key, err)
		return
	}
	l := m.lives[id]
	if l == nil && m.partial || l != nil && l.state == want {
		return
	}
	is := none
	if l != nil {
		is = l.state
	}
	m.wrong("%s is in %s, the log says %s", id, key, is)
}

// graves: x has the dead, and y what a requeue needs of each that has a payload.
func (m *comparison) graves() {
	graves := map[string]bool{}
	for _, id := range m.live.Graves {
		graves[id] = true
		if _, ok := m.live.Dead[id]; !ok {
			m.c.violate("I9", "%s: y has %s, x has not", m.name(), id)
		}
	}
	for id := range m.live.Dead {
		m.stands(id, dead, "x")
	}
	for id, l := range m.lives {
		if l.state != dead {
			continue
		}
		if _, ok := m.live.Dead[id.String()]; !ok {
			m.wrong("%s is dead in the log, not in x", id)
		} else if !graves[id.String()] && l.reason != "payload_lost" && !m.c.losing.taken {
			m.wrong("%s is dead and cannot be requeued: not in y", id)
		}
	}
}

// counters: what Redis counted is what the log holds.
func (m *comparison) counters() {
	if m.partial {
		return
	}
	for _, name := range []string{
		"open", "enqueued", "succeeded", "retry", "snoozed", "dead", "cancelled", "expired", "requeued", "purged",
	} {
		if got, want := number(m.live.Meta[name]), m.counts[name]; got != want {
			m.wrong("%s is %d in redis, %d in the log", name, got, want)
		}
	}
}

func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// marks: c has the cancels that were asked for and not seen yet, and those of
// tasks that ended before their delivery.
func (m *comparison) marks() {
	tombs := map[int64]bool{}
	for _, lsn := range m.dropped {
		tombs[lsn] = true
	}
	marked := map[int64]ulid.ULID{}
	for id, l := range m.lives {
		if l.state == ready && l.marked > 0 {
			marked[address(id).lsn] = id
		}
	}
	for member, score := range m.live.Cancels {
		birth := number(member)
		id, ok := marked[birth]
		switch {
		case score < 0 && !tombs[-score] && !m.partial:
			m.wrong("c has a tombstone of birth %s at lsn %d, the log has no such cancel", member, -score)
		case score >= 0 && !ok && !m.partial:
			m.wrong("c marks birth %s, the log knows no open request", member)
		case score >= 0 && ok && m.lives[id].marked < score:
			m.wrong("c marks %s at lsn %d, the request is %d", id, score, m.lives[id].marked)
		}
		delete(marked, birth)
	}
	for _, birth := range slices.Sorted(maps.Keys(marked)) {
		m.wrong("the cancel of %s was asked for, and c has no mark", marked[birth])
	}
}
