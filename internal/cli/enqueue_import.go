package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tidemill/tidemill/engine"
)

// A batch is what one call enqueues. It is full at one of these.
const (
	batchTasks = 512
	batchBytes = 4 << 20
)

// importer makes a task of each line. Tasks are enqueued in the order of their
// lines, so those that are in are always the first ones, and one number says
// where to go on.
type importer struct {
	to    engine.Producer
	typ   engine.Type[[]byte]
	opts  []engine.EnqueueOption
	flags *enqueueFlags
	lines *lineReader
	bar   *bar
	sum   imported

	batch births // gathered, not yet sent
	at    []int  // their lines
	bytes int
}

// imported is what came of an import.
type imported struct {
	Enqueued int    `json:"enqueued"`
	Existed  int    `json:"existed"`
	Line     int    `json:"line,omitempty"` // the first that is not in, if not all are
	Error    string `json:"error,omitempty"`
}

func (i imported) String() string {
	return fmt.Sprintf("%d enqueued, %d existed", i.Enqueued, i.Existed)
}

// run imports until the last line, the first that cannot be a task, or the end
// of ctx.
func (m *importer) run(ctx context.Context) error {
	for {
		line, err := m.lines.next()
		if errors.Is(err, io.EOF) {
			return m.flush(ctx)
		}
		if err == nil {
			err = m.gather(ctx, line)
		}
		if err != nil {
			at := m.lines.n
			if early := m.flush(ctx); early != nil {
				return early
			}
			return m.stopped(at, refused(err))
		}
		if len(m.batch) < batchTasks && m.bytes < batchBytes && m.lines.waiting() {
			continue
		}
		if err := m.flush(ctx); err != nil {
			return err
		}
	}
}

// refused marks what is the input's fault.
func refused(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return &exitError{code: exitData, err: err}
}

// gather makes the birth of a line.
func (m *importer) gather(ctx context.Context, line []byte) error {
	opts, err := m.flags.keyed(line, m.opts)
	if err != nil {
		return err
	}
	if _, err := m.typ.Enqueue(ctx, &m.batch, line, opts...); err != nil {
		return err
	}
	m.at, m.bytes = append(m.at, m.lines.n), m.bytes+len(line)
	return nil
}

// flush enqueues what was gathered. A batch that is on its way when ctx ends may
// still arrive, so that the count is true.
func (m *importer) flush(ctx context.Context) error {
	if len(m.batch) == 0 {
		return nil
	}
	if ctx.Err() != nil {
		return m.stopped(m.at[0], context.Cause(ctx))
	}
	call, cancel := lingering(ctx)
	defer cancel()
	tasks, err := m.to.Produce(call, m.batch)
	for _, t := range tasks {
		if t.Existing {
			m.sum.Existed++
		} else {
			m.sum.Enqueued++
		}
	}
	m.bar.show(time.Now(), m.lines.read, m.sum)
	if err != nil {
		return m.stopped(m.at[min(len(tasks), len(m.at)-1)], err)
	}
	m.batch, m.at, m.bytes = m.batch[:0], m.at[:0], 0
	return nil
}

// lingerLimit is how long a call goes on after ctx has ended.
const lingerLimit = 2 * time.Second

// lingering outlives ctx a little, and ends in any case.
func lingering(ctx context.Context) (context.Context, context.CancelFunc) {
	c, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(lingerLimit, cancel) })
	return c, func() {
		stop()
		cancel()
	}
}

// stopped is the error of an import that ended before a line.
func (m *importer) stopped(line int, err error) error {
	code, hint := classify(err)
	if errors.Is(err, context.Canceled) {
		code, err = exitInterrupted, fmt.Errorf("interrupted: %w", err)
	}
	m.sum.Line, m.sum.Error = line, err.Error()
	next := fmt.Sprintf("the lines before are in: go on from line %d", line)
	switch {
	case m.flags.keyField != "":
		next = "the lines before are in; by their keys the whole file can be enqueued again"
	case errors.Is(err, engine.ErrUncertain):
		next = fmt.Sprintf("the lines before are in, up to %d from there on may be; --key-field makes repeating safe", batchTasks)
	}
	if hint != "" {
		next = hint + "; " + next
	}
	return &exitError{code: code, err: fmt.Errorf("line %d: %w (%s)", line, err, m.sum), hint: next}
}
