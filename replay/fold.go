package replay

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/tidemill/tidemill/task"
)

// Source is a history: live, or of an archive.
type Source interface {
	Queues(ctx context.Context) (map[task.Queue]int, error)
	Events(ctx context.Context, q task.Queue, partition int, after task.Position) iter.Seq2[task.Event, error]
}

// Partition is one partition's fold.
type Partition struct {
	Queue  task.Queue
	Number int // from 0, within the queue
	*task.Fold
}

// Fold reads the whole history, partition by partition, in order of their names.
func Fold(ctx context.Context, src Source) ([]Partition, error) {
	return foldBy(ctx, src, task.NewFold)
}

// Gaps reads the whole history, and returns the ranges that are not there.
func Gaps(ctx context.Context, src Source) ([]Gap, error) {
	folds, err := foldBy(ctx, src, func() *task.Fold {
		f := task.NewFold()
		f.Forget, f.Dropped = true, nil
		return f
	})
	var all []Gap
	for _, p := range folds {
		for _, g := range p.Gaps {
			all = append(all, Gap{Queue: p.Queue, Partition: p.Number, Gap: g})
		}
	}
	return all, err
}

// Gap is a range of a partition's log that is not there.
type Gap struct {
	Queue     task.Queue
	Partition int
	task.Gap
}

func foldBy(ctx context.Context, src Source, begin func() *task.Fold) ([]Partition, error) {
	queues, err := src.Queues(ctx)
	if err != nil {
		return nil, err
	}
	var all []Partition
	for q, n := range queues {
		for i := range n {
			p := Partition{Queue: q, Number: i, Fold: begin()}
			if err := p.read(ctx, src); err != nil {
				return nil, err
			}
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b Partition) int {
		return cmp.Or(cmp.Compare(a.Queue, b.Queue), cmp.Compare(a.Number, b.Number))
	})
	return all, nil
}

// read goes on with the fold to the end of the log. A log that does not begin
// with its first entry was trimmed.
func (p *Partition) read(ctx context.Context, src Source) error {
	for e, err := range src.Events(ctx, p.Queue, p.Number, p.Last) {
		if err != nil {
			return fmt.Errorf("fold %s/%d: %w", p.Queue, p.Number, err)
		}
		if p.LastLSN == 0 && e.At.LSN > 1 {
			p.Partial = true
		}
		p.Add(&e)
	}
	return nil
}
