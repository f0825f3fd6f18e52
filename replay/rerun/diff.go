package rerun

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/tidemill/tidemill/task"
)

// Diff is what a shadow run found.
type Diff struct {
	Name     string         `json:"name"`
	Compared int            `json:"compared"`
	Changed  int            `json:"changed"` // another outcome, or another result
	NotRun   map[string]int `json:"not_run"` // by the reason
	FirstAt  time.Time      `json:"first_at,omitzero"`
	LastAt   time.Time      `json:"last_at,omitzero"`

	types    map[task.Type]*TypeDiff
	examples int
}

func newDiff(name string, examples int) *Diff {
	return &Diff{Name: name, NotRun: map[string]int{}, types: map[task.Type]*TypeDiff{}, examples: examples}
}

// Types are the differences by type, in order of their names.
func (d *Diff) Types() []*TypeDiff {
	for _, t := range d.types {
		t.finish()
	}
	return slices.SortedFunc(maps.Values(d.types), func(a, b *TypeDiff) int { return cmp.Compare(a.Type, b.Type) })
}

// Percent is how many of a hundred have changed.
func (d *Diff) Percent() float64 {
	if d.Compared == 0 {
		return 0
	}
	return 100 * float64(d.Changed) / float64(d.Compared)
}

// Exceeds reports whether more changed than a threshold allows.
func (d *Diff) Exceeds(percent float64) bool { return d.Percent() > percent }

// MarshalJSON adds the types and the share that changed.
func (d *Diff) MarshalJSON() ([]byte, error) {
	type plain Diff
	types := d.Types()
	if types == nil {
		types = []*TypeDiff{}
	}
	return json.Marshal(struct {
		*plain
		Percent float64     `json:"percent"`
		Types   []*TypeDiff `json:"types"`
	}{(*plain)(d), d.Percent(), types})
}

// add compares one attempt: what it was, what it is now, and the digest that its
// result should have; zero: any.
func (d *Diff) add(then *Recorded, now *task.Settlement, before task.Digest) {
	if d.FirstAt.IsZero() || then.EndedAt.Before(d.FirstAt) {
		d.FirstAt = then.EndedAt
	}
	if then.EndedAt.After(d.LastAt) {
		d.LastAt = then.EndedAt
	}
	t := d.types[then.Type]
	if t == nil {
		t = newTypeDiff(then.Type)
		d.types[then.Type] = t
	}
	d.Compared++
	if t.add(then, now, before, d.examples) {
		d.Changed++
	}
}
