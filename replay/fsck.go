package replay

import (
	"context"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/task"
)

// Snapshot is the live state, as Redis holds it.
type Snapshot interface {
	Live(ctx context.Context, q task.Queue, partition int) (*task.Live, error)
}

// Report is what Fsck found.
type Report struct {
	Partitions int                 `json:"partitions"`
	Events     int64               `json:"events"`
	Tasks      int                 `json:"tasks"`
	States     map[task.State]int  `json:"states"`
	Kinds      map[task.Kind]int64 `json:"kinds"`
	Lost       int                 `json:"lost"`        // tasks the log knows and Redis does not hold any more
	EndedTwice int                 `json:"ended_twice"` // more than one terminal event in a life
	Early      int                 `json:"early"`       // released before they were due
	Problems   []string            `json:"problems"`    // everything that is wrong, the losses among it
	Gaps       []task.Gap          `json:"gaps"`        // ranges of the log that are not there
	Moving     []string            `json:"moving"`      // partitions that never stood still: sets not compared
	Partial    bool                `json:"partial"`     // some history was trimmed
	AsOf       map[string]int64    `json:"as_of"`       // the lsn each partition is true at
}

// OK reports whether nothing is wrong.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

// tries bounds how often a moving partition is looked at again.
const tries = 20

// Fsck folds the history and compares it with the live state. Its memory is that of
// the tasks that are open or dead, and of the entries of tasks that were cancelled
// before they were delivered.
func Fsck(ctx context.Context, src Source, live Snapshot) (*Report, error) {
	folds, err := foldBy(ctx, src, func() *task.Fold {
		f := task.NewFold()
		f.Forget = true
		return f
	})
	if err != nil {
		return nil, fmt.Errorf("fsck: %w", err)
	}
	r := &Report{States: map[task.State]int{}, Kinds: map[task.Kind]int64{}, AsOf: map[string]int64{}}
	for i := range folds {
		p := &folds[i]
		if err := r.partition(ctx, p, src, live); err != nil {
			return nil, fmt.Errorf("fsck: %w", err)
		}
		r.count(p)
	}
	return r, nil
}

// partition reads on until log and live state are of one moment, and compares.
func (r *Report) partition(ctx context.Context, p *Partition, src Source, snap Snapshot) error {
	for try := range tries {
		l, err := snap.Live(ctx, p.Queue, p.Number)
		if err != nil {
			return err
		}
		if err := p.read(ctx, src); err != nil {
			return err
		}
		if l.Settled && l.LSN == p.LastLSN {
			r.compare(p, l)
			return nil
		}
		if err := wait(ctx, time.Duration(try)*10*time.Millisecond); err != nil {
			return err
		}
	}
	r.Moving = append(r.Moving, p.name())
	return nil
}

func (r *Report) compare(p *Partition, l *task.Live) {
	c := comparison{report: r, p: p, live: l}
	c.open()
	c.waiting()
	c.dead()
	if !p.Partial {
		c.counters()
	}
}

// count adds a partition's numbers.
func (r *Report) count(p *Partition) {
	r.Partitions++
	r.AsOf[p.name()] = p.LastLSN
	r.Partial = r.Partial || p.Partial
	r.Gaps = append(r.Gaps, p.Gaps...)
	for s, n := range p.States() {
		r.States[s] += int(n)
		r.Tasks += int(n)
	}
	for range p.States()[task.Lost] {
		r.Lost++
		r.problem("%s: a task's entry vanished from the stream", p.name())
	}
	for k, n := range p.Counts {
		r.Kinds[k] += n
		r.Events += n
	}
	r.EndedTwice += p.EndedTwice
	r.Early += p.Early
	for _, v := range p.Violations {
		r.problem("%s: %s", p.name(), v)
	}
}

// maxProblems bounds a report; the first ones tell most.
const maxProblems = 1000

func (r *Report) problem(format string, args ...any) {
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	}
}

func (p *Partition) name() string { return fmt.Sprintf("%s/%d", p.Queue, p.Number) }

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
