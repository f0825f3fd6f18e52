package task

import (
	"fmt"
	"maps"
)

// Life is what the log says of one task.
type Life struct {
	State   State
	Entry   Position // of an open task: the entry that is to be delivered
	Last    Position // its latest event
	Attempt int
	DueMs   int64
	Ends    int  // terminal events of this life
	Marked  bool // a cancel was requested and has not been seen yet
	Taken   int  // how often the delivery of its entry was taken over
}

// Fold is the state of one partition after a prefix of its log.
//
//  1. It sees every entry in order of lsn; a gap without an epoch event is a loss (I5).
//  2. A task ends at most once per life (I2); anything else is kept in Violations.
//  3. With Partial set the log began after a trim: tasks whose birth is gone are
//     taken at the word of their first event, if that tells a state.
//  4. The entry of a task that was cancelled before its delivery stays in t, and
//     is dropped without an event when it is read. Until then it may be reclaimed.
//  5. With Forget set its memory is that of the open and the dead: a task that ended
//     for good is counted in Ended and dropped. Since the log is dense, an id of a
//     birth in it that is not there any more has ended: a second end is known as one.
//     Tasks born before a partial log are kept.
//  6. With Dropped nil the entries of (4) are not remembered, and an event that names
//     an entry nobody knows may be of one of them.
type Fold struct {
	Partial    bool
	Forget     bool
	Tasks      map[ID]*Life
	First      int64 // lsn of the first event
	LastLSN    int64
	Last       Position
	Paused     bool
	Counts     map[Kind]int64
	Ended      map[State]int64   // tasks that were forgotten
	Entries    map[Position]ID   // open entries of t
	Dropped    map[Position]bool // entries of tasks that were cancelled before their delivery
	EndedTwice int               // outcomes of tasks that had ended
	Early      int               // releases before the due time
	Violations []string
	Gaps       []Gap
}

// Gap is a range of log sequence numbers that is not in the log.
type Gap struct {
	From, To  int64 // inclusive
	Explained bool
	Why       string
}

// NewFold returns the fold of the empty log.
func NewFold() *Fold {
	return &Fold{
		Tasks: map[ID]*Life{}, Counts: map[Kind]int64{}, Ended: map[State]int64{},
		Entries: map[Position]ID{}, Dropped: map[Position]bool{},
	}
}

// States counts the tasks in each state, the forgotten among them.
func (f *Fold) States() map[State]int64 {
	n := maps.Clone(f.Ended)
	for _, l := range f.Tasks {
		n[l.State]++
	}
	return n
}

// Add applies one event.
func (f *Fold) Add(e *Event) {
	f.advance(e)
	f.Counts[e.Kind]++
	switch {
	case e.Kind == Paused || e.Kind == Resumed:
		f.Paused = e.Kind == Paused
	case e.Kind == EntryLost || e.Kind == Reclaimed:
		f.byEntry(e)
	case !e.Kind.OfPartition():
		f.apply(e)
	}
}

// advance checks that the log is dense. An epoch event explains the jump to
// itself; so does the first entry of a partial log.
func (f *Fold) advance(e *Event) {
	if f.LastLSN == 0 {
		f.First = e.At.LSN
	}
	if e.Item == 0 {
		from := f.LastLSN + 1
		switch {
		case e.At.LSN < from:
			f.violate("lsn %d follows %d", e.At.LSN, f.LastLSN)
			return // what comes next is measured by the highest
		case e.At.LSN > from && !(f.LastLSN == 0 && f.Partial):
			g := Gap{From: from, To: e.At.LSN - 1, Explained: e.Kind == EpochStarted, Why: e.Reason}
			f.Gaps = append(f.Gaps, g)
			if !g.Explained {
				f.violate("lsn %d to %d missing", g.From, g.To)
			}
		}
	}
	f.LastLSN, f.Last = e.At.LSN, e.At
}

func (f *Fold) apply(e *Event) {
	l := f.Tasks[e.Task]
	if l == nil {
		if (f.Partial || f.Forget) && (e.Kind == StaleOutcome || e.Kind == Redacted) {
			return // they follow any state, any end
		}
		if f.Forget && f.forgotten(e) {
			f.again(e)
			return
		}
		l = f.first(e)
		f.Tasks[e.Task] = l
	}
	to, err := Apply(l.State, e.Kind)
	if err != nil {
		if l.State.Terminal() && e.Kind.IsOutcome() {
			f.EndedTwice++
		}
		f.violate("%s at %s: %v", e.Task, e.At, err)
		if f.Forget && l.State == None {
			delete(f.Tasks, e.Task)
		}
		return
	}
	if e.Kind == Released && e.At.Ms < e.DueMs {
		f.Early++
		f.violate("%s released at %s, due %d", e.Task, e.At, e.DueMs)
	}
	f.move(e, l, to)
}

// forgotten reports whether an unknown task was born in this log.
func (f *Fold) forgotten(e *Event) bool {
	lsn := e.Task.LSN()
	if lsn < f.First || lsn >= e.At.LSN {
		return false
	}
	for _, g := range f.Gaps {
		if g.From <= lsn && lsn <= g.To {
			return false
		}
	}
	return true
}

// again applies an event of a task that was forgotten. Where there are entries that
// are not understood, its birth may be one of them.
func (f *Fold) again(e *Event) {
	if e.Kind.IsOutcome() && f.Counts[Unknown] == 0 {
		f.EndedTwice++
	}
	f.violate("%s at %s: %s of a task that is not open", e.Task, e.At, e.Kind)
}

// first is the life of a task before its first event in this log.
func (f *Fold) first(e *Event) *Life {
	if !f.Partial || e.Kind == Born || e.Kind == Scheduled {
		return &Life{}
	}
	l := &Life{State: before(e.Kind)}
	if e.Kind == CancelRequested && !e.Prev.IsZero() { // it names the entry, which may yet be lost
		l.Entry = e.Prev
		f.Entries[e.Prev] = e.Task
	}
	return l
}

func (f *Fold) move(e *Event, l *Life, to State) {
	if l.State == Ready && (to != Ready || e.Kind == HandedBack) {
		delete(f.Entries, l.Entry)
		if e.Kind == OutcomeCancel && e.Consumer == "" && !l.Entry.IsZero() && f.Dropped != nil { // no settle: nobody had it
			f.Dropped[l.Entry] = true
		}
	}
	if to.Terminal() && !l.State.Terminal() {
		l.Ends, l.Marked = l.Ends+1, false
	}
	switch e.Kind {
	case Born, Released, HandedBack:
		l.Entry, l.Attempt, l.Taken = e.At, e.Attempt, 0
		f.Entries[e.At] = e.Task
	case Reclaimed:
		l.Taken++
	case CancelRequested:
		l.Marked = true
	case Requeued:
		l.Ends = 0
	default:
		l.Attempt = max(l.Attempt, e.Attempt)
	}
	if to == Waiting {
		l.DueMs = e.DueMs
	}
	l.State, l.Last = to, e.At
	if f.Forget && to.Terminal() && to != Dead && !(f.Partial && e.Task.LSN() < f.First) {
		f.Ended[to]++
		delete(f.Tasks, e.Task)
	}
}

// byEntry applies an event that names an entry instead of a task.
func (f *Fold) byEntry(e *Event) {
	named := *e
	if e.Task.IsZero() {
		id, ok := f.Entries[e.Prev]
		if !ok {
			if !f.Partial && f.Dropped != nil && !f.Dropped[e.Prev] {
				f.violate("%s at %s: entry %s is not open", e.Kind, e.At, e.Prev)
			}
			return
		}
		named.Task = id
	}
	f.apply(&named)
}

// before is a state in which the event is legal, for a task whose earlier
// events were trimmed.
func before(k Kind) State {
	switch k {
	case Released:
		return Waiting
	case Requeued, PurgedDead:
		return Dead
	default:
		return Ready
	}
}

func (f *Fold) violate(format string, args ...any) {
	if len(f.Violations) < 1000 {
		f.Violations = append(f.Violations, fmt.Sprintf(format, args...))
	}
}
