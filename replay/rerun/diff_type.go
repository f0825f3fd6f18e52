package rerun

import (
	"cmp"
	"slices"
	"time"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// TypeDiff is what a shadow run found of one type.
type TypeDiff struct {
	Type     task.Type                       `json:"type"`
	Compared int                             `json:"compared"`
	Changed  int                             `json:"changed"`
	Matrix   map[task.Kind]map[task.Kind]int `json:"matrix"` // recorded × now

	Digests        int `json:"digests"` // compared, with an earlier run or the recorded ones
	DigestsChanged int `json:"digests_changed"`

	Then replay.Histogram `json:"-"` // of run times
	Now  replay.Histogram `json:"-"`
	P50  Ratio            `json:"p50"`
	P95  Ratio            `json:"p95"`

	Errors   []ErrorChange `json:"errors"` // same outcome, another error; the most frequent first
	Examples []Example     `json:"examples"`

	seen map[[2]task.Kind]int // examples, by what changed
}

// Ratio compares a quantile of the run times.
type Ratio struct {
	Then  time.Duration `json:"then_ns"`
	Now   time.Duration `json:"now_ns"`
	Ratio float64       `json:"ratio"` // 0 if nothing was measured then
}

// ErrorChange is an error that reads otherwise now, apart from numbers and ids. It
// is no change of behaviour: outcomes and results are.
type ErrorChange struct {
	Then  string `json:"then"`
	Now   string `json:"now"`
	Count int    `json:"count"`
}

// Example is an attempt that changed.
type Example struct {
	ID      task.ID       `json:"id"`
	Attempt int           `json:"attempt"`
	At      task.Position `json:"at"`
	Then    task.Kind     `json:"then"`
	Now     task.Kind     `json:"now"`
	Error   string        `json:"error,omitempty"` // what it says now, else what it said then
	Digest  string        `json:"digest,omitempty"`
	Before  string        `json:"before,omitempty"` // the digest that it should have
}

// maxErrors bounds the kinds of changed errors that are kept of a type.
const maxErrors = 100

func newTypeDiff(name task.Type) *TypeDiff {
	return &TypeDiff{
		Type: name, Matrix: map[task.Kind]map[task.Kind]int{}, seen: map[[2]task.Kind]int{},
		Errors: []ErrorChange{}, Examples: []Example{},
	}
}

// add reports whether the attempt changed.
func (t *TypeDiff) add(then *Recorded, now *task.Settlement, before task.Digest, examples int) bool {
	t.Compared++
	if t.Matrix[then.Kind] == nil {
		t.Matrix[then.Kind] = map[task.Kind]int{}
	}
	t.Matrix[then.Kind][now.Kind]++
	t.Then.Add(then.Ran)
	t.Now.Add(now.Ran)
	changed := then.Kind != now.Kind
	if !changed {
		t.failed(replay.Alike(then.Error), replay.Alike(now.Error))
	}
	if !before.IsZero() {
		t.Digests++
		if now.Result != before {
			t.DigestsChanged++
			changed = true
		}
	}
	if changed {
		t.Changed++
		t.keep(then, now, before, examples)
	}
	return changed
}

// finish works out what is not counted one by one.
func (t *TypeDiff) finish() {
	t.P50, t.P95 = t.ratio(0.5), t.ratio(0.95)
	slices.SortStableFunc(t.Errors, func(a, b ErrorChange) int { return cmp.Compare(b.Count, a.Count) })
}

func (t *TypeDiff) ratio(q float64) Ratio {
	r := Ratio{Then: t.Then.Quantile(q), Now: t.Now.Quantile(q)}
	if r.Then > 0 {
		r.Ratio = float64(r.Now) / float64(r.Then)
	}
	return r
}

func (t *TypeDiff) failed(then, now string) {
	if then == now {
		return
	}
	i := slices.IndexFunc(t.Errors, func(e ErrorChange) bool { return e.Then == then && e.Now == now })
	if i < 0 && len(t.Errors) == maxErrors {
		return
	}
	if i < 0 {
		i = len(t.Errors)
		t.Errors = append(t.Errors, ErrorChange{Then: then, Now: now})
	}
	t.Errors[i].Count++
}

// keep remembers some attempts of each change.
func (t *TypeDiff) keep(then *Recorded, now *task.Settlement, before task.Digest, examples int) {
	change := [2]task.Kind{then.Kind, now.Kind}
	if t.seen[change]++; t.seen[change] > examples {
		return
	}
	e := Example{ID: then.ID, Attempt: then.Attempt, At: then.At, Then: then.Kind, Now: now.Kind, Error: firstLine(cmp.Or(now.Error, then.Error))}
	if !before.IsZero() && now.Result != before {
		e.Digest, e.Before = cmp.Or(now.Result.String(), "none"), before.String()
	}
	t.Examples = append(t.Examples, e)
}
