package cli

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// tail follows the log of some partitions.
type tail struct {
	app    *app
	filter engine.Filter
	kinds  map[task.Kind]bool // empty: all
	from   tailFrom

	out    *bufio.Writer
	log    *streams.Reader
	parts  []tailPart
	looked time.Time // for queues
	at     map[tailPart]task.Position
	types  map[task.ID]task.Type // of tasks that were asked about, for --type
	width  int                   // of the widest name of a partition so far
}

// tailPart is a partition; n counts from 0 within its queue.
type tailPart struct {
	queue task.Queue
	n     int
	name  string
}

// run follows until ctx is done, which is no error.
func (t *tail) run(ctx context.Context, log *streams.Reader) error {
	t.log, t.out = log, bufio.NewWriter(t.app.out)
	idle := time.NewTimer(tailIdle)
	defer idle.Stop()
	for {
		n, err := t.round(ctx)
		if werr := t.out.Flush(); err == nil {
			err = werr
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		idle.Reset(tailIdle)
		select {
		case <-ctx.Done():
			return nil
		case <-idle.C:
		}
	}
}

// round reads every partition to its end and returns how many events it found.
func (t *tail) round(ctx context.Context) (int, error) {
	if time.Since(t.looked) >= tailQueues {
		if err := t.find(ctx); err != nil {
			return 0, err
		}
		t.looked = time.Now()
	}
	found := 0
	for _, p := range t.parts {
		for e, err := range t.log.Events(ctx, p.queue, p.n, t.at[p]) {
			if err != nil {
				return found, err
			}
			found++
			t.at[p] = e.At
			if err := t.event(ctx, p, &e); err != nil {
				return found, err
			}
		}
	}
	return found, nil
}

// find looks for queues. Those that appear later are read from their start.
func (t *tail) find(ctx context.Context) error {
	queues, err := t.log.Queues(ctx)
	if err != nil {
		return err
	}
	if q := t.filter.Queue; q != "" {
		if _, ok := queues[q]; !ok {
			return fmt.Errorf("queue %s: %w", q, engine.ErrNotFound)
		}
		queues = map[task.Queue]int{q: queues[q]}
	}
	from := t.from
	if !t.looked.IsZero() {
		from = tailFrom{}
	}
	t.parts = t.parts[:0]
	for _, q := range slices.Sorted(maps.Keys(queues)) {
		for n := range queues[q] {
			p := tailPart{queue: q, n: n, name: string(q)}
			if queues[q] > 1 {
				p.name = fmt.Sprintf("%s/%d", q, n)
			}
			t.parts, t.width = append(t.parts, p), max(t.width, len(p.name))
			if _, known := t.at[p]; known {
				continue
			}
			if t.at[p], err = from.begin(ctx, t.log, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// event prints one event, if it is asked for.
func (t *tail) event(ctx context.Context, p tailPart, e *task.Event) error {
	if e.At.LSN < t.from.lsn || len(t.kinds) > 0 && !t.kinds[e.Kind] {
		return nil
	}
	if t.filter.Type != "" {
		if typ, err := t.typeOf(ctx, e); err != nil || typ != t.filter.Type {
			return err
		}
	}
	return t.app.writeEvent(t.out, fmt.Sprintf("%-*s", t.width, p.name), e, t.app.json)
}
