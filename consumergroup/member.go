package consumergroup

import (
	"context"
	"errors"
	"sync"

	"github.com/tidemill/tidemill/task"
)

// member is this node's part in one partition: one incarnation after the other.
type member struct {
	group     *Group
	partition int
	pulse     *pulse

	mu      sync.Mutex
	late    []task.Settlement // of incarnations that were fenced: to be logged
	current *incarnation      // told when late grows
}

// run joins until ctx is done; a fenced incarnation is followed by another.
func (m *member) run(ctx context.Context) error {
	for ctx.Err() == nil {
		s, err := m.join(ctx)
		if ctx.Err() != nil {
			return nil // a record that was made meanwhile is reclaimed like a dead node's
		}
		if err != nil {
			return err
		}
		m.pulse.joined()
		in := newIncarnation(ctx, m, s)
		m.mu.Lock()
		m.current = in
		m.mu.Unlock()
		if f := m.group.opts.Observer.Joined; f != nil {
			f(m.group.opts.Queue, s.Name())
		}
		err = in.run(ctx)
		if !errors.Is(err, task.ErrFenced) && !errors.Is(err, task.ErrLeaseLost) {
			return err
		}
		if f := m.group.opts.Observer.Fenced; f != nil {
			f(m.group.opts.Queue, s.Name(), err)
		}
	}
	return nil
}

// join tries until it succeeds, ctx ends or it can never succeed.
func (m *member) join(ctx context.Context) (Session, error) {
	for failures := 1; ; failures++ {
		s, err := m.group.opts.Join(ctx, m.partition)
		if err == nil {
			return s, nil
		}
		if ctx.Err() != nil || fatal(err) {
			return nil, err
		}
		m.group.failed("join", err)
		if !sleep(ctx, backoff(failures)) {
			return nil, ctx.Err()
		}
	}
}

// maxLate bounds what is kept to be logged; it is information, not state.
const maxLate = 10_000

// tooLate keeps outcomes of deliveries that were lost, to be logged by the
// incarnation that lives. What was only to be handed back tells nothing.
func (m *member) tooLate(late []task.Settlement, consumer string) {
	m.mu.Lock()
	for _, s := range late {
		if s.Kind == task.HandedBack || len(m.late) == maxLate {
			continue
		}
		if s.Kind != task.StaleOutcome {
			s.Wanted, s.Kind, s.Reason = s.Kind, task.StaleOutcome, consumer
		}
		m.late = append(m.late, s)
	}
	in := m.current
	m.mu.Unlock()
	in.wakeSettler()
}

// takeLate takes up to n late outcomes.
func (m *member) takeLate(n int) []task.Settlement {
	m.mu.Lock()
	defer m.mu.Unlock()
	n = min(n, len(m.late))
	taken := m.late[:n:n]
	m.late = m.late[n:]
	return taken
}
