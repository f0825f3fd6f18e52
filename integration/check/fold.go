package check

import (
	"strings"

	"github.com/oklog/ulid/v2"
)

// life is what the log says of one task.
type life struct {
	state   state
	tag     string
	typ     string
	key     string
	ttlMs   int64
	born    bool // its birth was seen
	gone    bool // its birth was removed from the stream
	entry   pos  // of an open task: what is to be delivered
	last    pos  // the event that led here
	item    int
	due     int64
	marked  int64 // lsn of the cancel request
	again   bool  // waits because of a requeue
	byEntry bool  // lost from under its delivery: the script knew no task
	reason  string

	byHand   bool // an operator ended it before it ran
	asked    bool // an operator's cancel is in the log
	attempts int  // the highest
}

// attempt names one attempt of one task.
type attempt struct {
	id ulid.ULID
	n  int
}

// tries counts what lets an attempt start more than once.
type tries struct{ reclaims, backs, snoozes int }

// release is a delayed task becoming deliverable.
type release struct {
	attempt
	due      int64
	lsn      int64
	seen     int64
	nth      int // of this attempt: how often it had snoozed before
	requeued bool
}

// entryInfo tells whose delivery an entry is.
type entryInfo struct {
	attempt
	gone bool
}

// fold is one partition after its log.
//
//  1. Events come in order of lsn; a gap wants an explanation (I5).
//  2. A task ends once a life (I2), and an entry is followed by one event of its
//     task (I8), by a consumer that had not lost it (I3).
//  3. partial: something was removed before it was seen, so tasks may be unknown.
type fold struct {
	c       *checker
	part    *Partition
	partial bool
	lives   map[ulid.ULID]*life
	entries map[pos]entryInfo // all that could be delivered
	open    map[pos]ulid.ULID
	dropped map[pos]int64  // entries of tasks cancelled before delivery → lsn of the cancel
	after   map[pos]pos    // entry → what followed from it
	owners  map[pos]string // who took an entry over last
	tries   map[attempt]*tries
	delayed []release
	counts  map[string]int64
	last    int64
	epochs  []epoch
	gaps    []gap
	rebuilt []int64 // when recovered events were seen

	requeues []ulid.ULID
	verdicts []verdict
}

func newFold(c *checker, p *Partition) *fold {
	return &fold{
		c: c, part: p, lives: map[ulid.ULID]*life{}, entries: map[pos]entryInfo{}, open: map[pos]ulid.ULID{},
		dropped: map[pos]int64{}, after: map[pos]pos{}, owners: map[pos]string{}, tries: map[attempt]*tries{},
		counts: map[string]int64{},
	}
}

func (f *fold) add(e *event) {
	f.advance(e)
	switch e.kind {
	case "epoch":
		f.epoch(e)
	case "recovered":
		f.rebuilt = append(f.rebuilt, e.seen)
	case "reclaimed":
		f.reclaimed(e)
	case "stale_outcome":
		f.c.r.StaleRefused++
	case kindUnknown, "paused", "resumed", "retention_set", "trimmed":
	default:
		f.apply(e)
	}
}

// apply moves the task that the event is about.
func (f *fold) apply(e *event) {
	if e.kind == "entry_lost" && e.id == (ulid.ULID{}) {
		id, ok := f.open[e.prev]
		if !ok {
			return // of a task that was cancelled before, or whose birth nobody saw
		}
		e.id = id
	}
	l := f.life(e)
	to, legal := moves[l.state][e.kind]
	if !legal {
		f.illegal(e, l)
		return
	}
	f.follow(e, l)
	f.count(e, l.state, to)
	f.move(e, l, to)
}

func (f *fold) life(e *event) *life {
	l := f.lives[e.id]
	if l == nil {
		l = &life{}
		if f.partial {
			l.state, l.entry = origin(e.kind), e.prev
		}
		f.lives[e.id] = l
	}
	return l
}

func (f *fold) illegal(e *event, l *life) {
	if ends[e.kind] != none && l.state.terminal() {
		f.c.r.EndedTwice++
		f.c.violate("I2", "%s ended a second time: %s at %s, had %s at %s", e.id, e.kind, e.at, l.state, l.last)
		return
	}
	f.c.violate("I2", "%s: %s at %s meets state %s of %s", e.id, e.kind, e.at, l.state, l.last)
}

// follow checks that an entry is followed by one event, that the event follows
// from where the task stood, and that its consumer still had the delivery.
func (f *fold) follow(e *event, l *life) {
	if e.kind == "cancel_requested" || e.prev.zero() {
		return
	}
	if other, ok := f.after[e.prev]; ok {
		f.c.violate("I8", "%s: %s at %s follows from %s, and so did %s", e.id, e.kind, e.at, e.prev, other)
	}
	f.after[e.prev] = e.at
	if l.state == ready && l.entry != e.prev {
		f.c.violate("I8", "%s: %s at %s is of entry %s, open is %s", e.id, e.kind, e.at, e.prev, l.entry)
	}
	if owner := f.owners[e.prev]; e.consumer != "" && owner != "" && owner != e.consumer {
		f.c.violate("I3", "%s: %s at %s by %s, but %s was taken over by %s", e.id, e.kind, e.at, e.consumer, e.prev, owner)
	}
}

func (f *fold) move(e *event, l *life, to state) {
	if l.state == ready && (to != ready || e.kind == kindBack) {
		delete(f.open, l.entry)
		if e.kind == "cancelled" && e.consumer == "" {
			f.dropped[l.entry] = e.at.lsn
		}
	}
	f.tried(e)
	if byHandler(e) {
		f.verdicts = append(f.verdicts, verdict{attempt{e.id, e.attempt}, e.kind, e.at, e.seen, e.result})
	}
	l.attempts = max(l.attempts, e.attempt)
	switch e.kind {
	case kindBorn, kindScheduled:
		l.tag, l.typ, l.born, l.gone = e.tag, e.typ, true, e.gone
		l.key, l.ttlMs = e.opts.key, e.opts.ttlMs
	case "cancel_requested":
		l.marked, l.asked = e.at.lsn, true
		return // stands beside the chain
	case "requeued":
		l.again = true
		f.requeues = append(f.requeues, e.id)
	case "cancelled":
		l.byHand = e.consumer == ""
		l.asked = l.asked || l.byHand
	case kindReleased:
		f.released(e, l)
	}
	if to.terminal() || to == waiting {
		l.marked = 0
	}
	if to == waiting {
		l.due = e.due
	}
	if e.stream == "t" {
		l.entry = e.at
		f.open[e.at] = e.id
		f.entries[e.at] = entryInfo{attempt{e.id, e.attempt}, e.gone}
	}
	l.byEntry = e.kind == "entry_lost" && l.state == ready
	l.state, l.last, l.item, l.reason = to, e.at, e.item, e.reason
}

func (f *fold) released(e *event, l *life) {
	r := release{attempt: attempt{e.id, e.attempt}, due: e.due, lsn: e.at.lsn, seen: e.seen, requeued: l.again}
	if t := f.tries[r.attempt]; t != nil {
		r.nth = t.snoozes
	}
	if !l.again && e.at.ms < e.due {
		f.c.countEarly()
		f.c.violate("I4", "%s attempt %d released at %s, due %d", e.id, e.attempt, e.at, e.due)
	}
	l.again = false
	f.delayed = append(f.delayed, r)
}

// tried notes what lets the attempt start once more.
func (f *fold) tried(e *event) {
	switch e.kind {
	case kindBack:
		f.try(attempt{e.id, e.attempt}).backs++
	case "snoozed":
		f.try(attempt{e.id, e.attempt}).snoozes++
	}
}

func (f *fold) try(a attempt) *tries {
	t := f.tries[a]
	if t == nil {
		t = &tries{}
		f.tries[a] = t
	}
	return t
}

// count keeps the numbers that Redis keeps in m.
func (f *fold) count(e *event, from, to state) {
	name := e.kind
	if from == none && (name == kindBorn || name == kindScheduled) {
		name = "enqueued"
	}
	f.counts[name]++
	if from == ready {
		f.counts["open"]--
	}
	if to == ready {
		f.counts["open"]++
	}
}

// reclaimed notes whose deliveries moved to whom.
func (f *fold) reclaimed(e *event) {
	for word := range strings.FieldsSeq(string(e.extra)) {
		entry, _, _ := strings.Cut(word, "/")
		at, err := parsePos(entry)
		if err != nil {
			f.c.violate("I3", "reclaimed at %s: %v", e.at, err)
			continue
		}
		f.c.r.Reclaimed++
		f.owners[at] = e.actor
		if info, ok := f.entries[at]; ok {
			f.try(info.attempt).reclaims++
		}
	}
}

// forgotten notes what orphans say: what Redis forgot may have run.
func (f *fold) forgotten(e *event) {
	switch e.kind {
	case "reclaimed":
		for word := range strings.FieldsSeq(string(e.extra)) {
			entry, _, _ := strings.Cut(word, "/")
			if at, err := parsePos(entry); err == nil {
				if info, ok := f.entries[at]; ok {
					f.try(info.attempt).reclaims++
				}
			}
		}
	case "recovered":
		f.rebuilt = append(f.rebuilt, e.seen)
	case kindBorn, kindReleased, kindBack:
		if e.stream == "t" {
			f.entries[e.at] = entryInfo{attempt{e.id, e.attempt}, true}
		}
		f.tried(e)
	case "snoozed":
		f.tried(e)
	}
}
