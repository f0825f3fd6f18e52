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
		r, err := p.once(ctx, p.log.db, epochScript, []string{p.Meta, p.Tasks, p.Events}, []any{k.epoch, k.ms, k.lsn})
		if err == nil {
			p.opened(ctx, r, k)
			if r.word() != "RECOVER" {
				return nil
			}
			if err = p.recover(ctx, r.text(1), r.text(3), r.number(4) == 1); err == nil {
				return nil
			}
		}
		if !transient(err) && !errors.Is(err, errAgain) || !pause(ctx, try) {
			return fmt.Errorf("open epoch of %s: %w", p.Queue, err)
		}
	}
}

// opened takes note of an epoch. What survived is told to whoever opened it.
func (p *partition) opened(ctx context.Context, r reply, k clock) {
	token := r.text(1) // replid.ms.epoch
	p.saw(clock{epoch: parseInt(token[strings.LastIndexByte(token, '.')+1:])})
	if r.word() == "SAME" || r.text(2) == "" {
		return
	}
	p.log.restore(ctx, p.Queue)
	if survived := r.number(2); survived < k.lsn {
		p.rewound(survived, k.lsn)
	}
}

func (p *partition) rewound(survived, known int64) {
	if f := p.log.opts.Rewound; f != nil {
		f(Rewind{Queue: p.Queue, Partition: p.Number, Survived: survived, Known: known})
	}
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
