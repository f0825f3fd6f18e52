package streams

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/task"
)

// errAgain: another recovery came between.
var errAgain = errors.New("the group was rebuilt meanwhile")

// recover rebuilds a lost group from the fold of the log: it goes on after last,
// and what the fold says is open goes to a consumer without a record, from which
// ordinary reclaim takes it. token is the one that last was read under, gone
// tells that there was no group then.
//
// A process that dies halfway leaves a mark in the meta hash, by which the next
// trim, reclaim or look at the numbers finds out and goes on where it stopped.
func (p *partition) recover(ctx context.Context, token, last string, gone bool) error {
	at, err := task.ParsePosition(last)
	if err != nil {
		return fmt.Errorf("recover %s: %w", p.Queue, err)
	}
	fold, err := p.fold(ctx)
	if err != nil {
		return fmt.Errorf("recover %s: %w", p.Queue, err)
	}
	open := openUpTo(fold, at)
	for first := true; first || len(open) > 0; first = false {
		n := min(len(open), maxItems)
		r, err := p.claim(ctx, []any{token, last, n == len(open), gone && first}, fold, open[:n])
		if err != nil || r.word() == "DONE" {
			return err
		}
		if r.word() == "AGAIN" {
			return errAgain
		}
		token, open = r.text(1), open[n:]
	}
	return nil
}

// claim sends one page of open entries.
func (p *partition) claim(ctx context.Context, args []any, fold *task.Fold, page []task.Position) (reply, error) {
	ks := newChunks(p, p.Meta, p.Tasks, p.Events)
	for _, at := range page {
		birth := fold.Entries[at].LSN()
		args = append(args, at.String(), at.LSN, birth, ks.index(birth))
	}
	return p.once(ctx, p.log.db, recoverScript, ks.keys, args)
}

// openUpTo lists the open entries of a fold in order, those behind last left
// out: the group will deliver them.
func openUpTo(fold *task.Fold, last task.Position) []task.Position {
	var open []task.Position
	for at := range fold.Entries {
		if comparePositions(at, last) <= 0 {
			open = append(open, at)
		}
	}
	slices.SortFunc(open, comparePositions)
	return open
}

// comparePositions orders entries as Redis does.
func comparePositions(a, b task.Position) int {
	return cmp.Or(cmp.Compare(a.Ms, b.Ms), cmp.Compare(a.LSN, b.LSN))
}

// fold reads the whole live log of the partition.
func (p *partition) fold(ctx context.Context) (*task.Fold, error) {
	f := task.NewFold()
	floor, err := p.log.db.HGet(ctx, p.Meta, "floor").Int64()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, mapError(err)
	}
	f.Partial, f.Forget, f.Dropped = floor > 1, true, nil
	for e, err := range p.scan(ctx, task.Position{}) {
		if err != nil {
			return nil, err
		}
		if e.Kind == task.Trimmed {
			prune(f, &e)
		}
		f.Add(&e)
	}
	return f, nil
}
