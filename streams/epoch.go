package streams

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tidemill/tidemill/task"
)

// Rewind tells that Redis forgot a tail of the log that it had acknowledged.
type Rewind struct {
	Queue     task.Queue
	Partition task.Partition
	Survived  int64 // the last lsn that is left
	Known     int64 // the highest that was acknowledged to this process
}

func (r Rewind) Error() string {
	return fmt.Sprintf("%v: %s/%d keeps lsn %d of %d", task.ErrLogRewound, r.Queue, r.Partition, r.Survived, r.Known)
}

// Unwrap makes errors.Is(err, task.ErrLogRewound) true.
func (r Rewind) Unwrap() error { return task.ErrLogRewound }

// openEpoch runs the epoch script, which knows by the token whether there is
// anything to do, and rebuilds the consumer group where it is gone.
func (p *partition) openEpoch(ctx context.Context) error {
	p.mends.Lock()
	defer p.mends.Unlock()
	p.mu.Lock()
	k := p.known
	p.mu.Unlock()
	for try := 0; ; try++ {
		r, err := p.once(ctx, epochScript, []string{p.Meta, p.Tasks, p.Events}, []any{k.epoch, k.ms, k.lsn})
		if err == nil {
			return p.opened(ctx, r, k)
		}
		if !transient(err) || !pause(ctx, try) {
			return fmt.Errorf("open epoch of %s: %w", p.Queue, err)
		}
	}
}

func (p *partition) opened(ctx context.Context, r reply, k clock) error {
	_, epoch, _ := strings.Cut(r.text(1), ".")
	p.saw(clock{epoch: parseInt(epoch)})
	switch r.word() {
	case "RECOVER":
		last, err := task.ParsePosition(r.text(2))
		if err != nil {
			return err
		}
		return p.recover(ctx, last)
	case "OK":
		if survived := r.number(2); survived < k.lsn && p.log.opts.Rewound != nil {
			p.log.opts.Rewound(Rewind{Queue: p.Queue, Partition: p.Number, Survived: survived, Known: k.lsn})
		}
	}
	return nil
}

// recover rebuilds a lost group from the fold of the log: it goes on after
// last, and what the fold says is open goes to a consumer without a record,
// from which ordinary reclaim takes it.
func (p *partition) recover(ctx context.Context, last task.Position) error {
	for {
		fold, err := p.fold(ctx)
		if err != nil {
			return fmt.Errorf("recover %s: %w", p.Queue, err)
		}
		again, err := p.reopen(ctx, fold, last)
		if err != nil {
			return fmt.Errorf("recover %s: %w", p.Queue, err)
		}
		if !again {
			return nil
		}
	}
}

// reopen claims the open entries of a fold; again tells that the log moved on
// before the group was made.
func (p *partition) reopen(ctx context.Context, fold *task.Fold, last task.Position) (again bool, err error) {
	var open []task.Position
	for at := range fold.Entries {
		if at.LSN <= last.LSN {
			open = append(open, at)
		}
	}
	for first := true; first || len(open) > 0; first = false {
		n := min(len(open), maxItems)
		done := 0
		if n == len(open) {
			done = 1
		}
		ks := newChunks(p, p.Meta, p.Tasks, p.Events)
		args := []any{last.String(), fold.LastLSN, done}
		for _, at := range open[:n] {
			birth := fold.Entries[at].LSN()
			args = append(args, at.String(), at.LSN, birth, ks.index(birth))
		}
		open = open[n:]
		r, err := p.once(ctx, recoverScript, ks.keys, args)
		switch {
		case err != nil:
			return false, err
		case r.word() == "AGAIN":
			return true, nil
		case r.word() == "DONE":
			return false, nil
		}
	}
	return false, nil
}

// fold reads the whole live log of the partition.
func (p *partition) fold(ctx context.Context) (*task.Fold, error) {
	f := task.NewFold()
	floor, err := p.log.db.HGet(ctx, p.Meta, "floor").Int64()
	if err != nil {
		return nil, mapError(err)
	}
	f.Partial = floor > 1
	for e, err := range p.scan(ctx, task.Position{}) {
		if err != nil {
			return nil, err
		}
		f.Add(&e)
	}
	return f, nil
}

// chunks collects the index chunks a call touches, each once, behind its other keys.
type chunks struct {
	part *partition
	keys []string
	at   map[int64]int
	last int64
	idx  int
}

func newChunks(p *partition, ks ...string) *chunks {
	return &chunks{part: p, keys: ks, last: -1}
}

// index returns where in KEYS (from 1) the chunk of a birth stands.
func (c *chunks) index(birth int64) int {
	n := birth >> chunkBits
	if n == c.last {
		return c.idx
	}
	at, ok := c.at[n]
	if !ok {
		if c.at == nil {
			c.at = map[int64]int{}
		}
		c.keys = append(c.keys, c.part.Chunk(birth))
		at = len(c.keys)
		c.at[n] = at
	}
	c.last, c.idx = n, at
	return at
}

// retriable reports whether a fetch that failed so is worth another try.
func retriable(err error) bool {
	return transient(err) || errors.Is(err, errNoGroup)
}
