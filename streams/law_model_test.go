package streams_test

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/tidemill/tidemill/task"
)

// lawTask is what the model knows of one task.
type lawTask struct {
	id      task.ID
	payload string
	state   task.State // Ready: undelivered; Running: some consumer holds it
	attempt int
	starts  int  // without an outcome, carried by a hand-back
	expires bool // its deadline passes before any release
	marked  bool // asked to be cancelled while it ran
}

// lawEntry is one entry of the stream of tasks that was not settled.
type lawEntry struct {
	task   *lawTask
	tomb   bool // the task was cancelled before the entry was delivered
	holder string
	count  int
}

// lawModel is what Redis should hold, kept by hand: not by task.Apply, which is
// compared too.
type lawModel struct {
	tasks   []*lawTask // in the order of births
	byID    map[task.ID]*lawTask
	keys    map[string]task.ID
	queue   []*lawEntry // undelivered, in order
	pending map[task.Position]*lawEntry
	fenced  map[string]bool // consumers that may not write any more
	paused  bool
	floor   int64
}

func newLawModel() *lawModel {
	return &lawModel{
		byID: map[task.ID]*lawTask{}, keys: map[string]task.ID{}, pending: map[task.Position]*lawEntry{}, fenced: map[string]bool{},
	}
}

func (m *lawModel) born(id task.ID, payload string, later, expires bool) {
	t := &lawTask{id: id, payload: payload, state: task.Waiting, attempt: 1, expires: expires}
	m.tasks, m.byID[id] = append(m.tasks, t), t
	if !later {
		m.ready(t)
	}
}

// ready puts a task at the end of the stream.
func (m *lawModel) ready(t *lawTask) {
	t.state = task.Ready
	m.queue = append(m.queue, &lawEntry{task: t, count: 1})
}

// released is what falling due makes of a waiting task.
func (m *lawModel) released(t *lawTask) {
	if t.expires {
		t.state = task.Expired
		return
	}
	m.ready(t)
}

// holding lists the entries a consumer holds, in order.
func (m *lawModel) holding(name string) []task.Position {
	var all []task.Position
	for at, e := range m.pending {
		if e.holder == name {
			all = append(all, at)
		}
	}
	slices.SortFunc(all, comparePositions)
	return all
}

// settled is what an outcome that was recorded makes of a task.
func (m *lawModel) settled(at task.Position, k task.Kind, starts int) {
	e := m.pending[at]
	delete(m.pending, at)
	if e.tomb {
		return
	}
	t := e.task
	if t.marked && (k == task.OutcomeRetry || k == task.OutcomeSnooze || k == task.HandedBack) {
		k = task.OutcomeCancel
	}
	t.marked = false
	switch k {
	case task.HandedBack:
		t.starts = starts
		m.ready(t)
	case task.OutcomeRetry:
		t.state, t.attempt, t.starts = task.Waiting, t.attempt+1, 0
	case task.OutcomeSnooze:
		t.state, t.starts = task.Waiting, 0
	case task.OutcomeSuccess:
		t.state = task.Succeeded
	case task.OutcomeDead:
		t.state = task.Dead
	case task.OutcomeCancel:
		t.state = task.Cancelled
	case task.OutcomeExpire:
		t.state = task.Expired
	default:
		panic("outcome " + k.String())
	}
}

// cancel marks or ends a task and returns what its state was.
func (m *lawModel) cancel(t *lawTask) (was task.State) {
	was = t.state
	switch was {
	case task.Waiting:
		t.state = task.Cancelled
	case task.Ready:
		t.state = task.Cancelled
		for _, e := range m.queue {
			if e.task == t {
				e.tomb = true
			}
		}
	case task.Running:
		t.marked = true
	}
	return was
}

// waiting lists who waits.
func (m *lawModel) waiting() map[task.ID]bool {
	all := map[task.ID]bool{}
	for _, t := range m.tasks {
		if t.state == task.Waiting {
			all[t.id] = true
		}
	}
	return all
}

func comparePositions(a, b task.Position) int {
	return cmp.Or(cmp.Compare(a.Ms, b.Ms), cmp.Compare(a.LSN, b.LSN))
}

func compareIDs(a, b task.ID) int { return bytes.Compare(a[:], b[:]) }
