package streams

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/task"
)

// standing is what the history script answers about one task.
type standing struct {
	floor    int64
	lsn      int64 // of the log's end
	slot     wire.Slot
	dueMs    int64
	marked   bool
	birth    *task.Event   // nil when it was trimmed
	redacted task.Position // the event that tells of it
	latest   *task.Event   // of what happened since; nil: nothing, or trimmed
	holder   string
	idle     time.Duration
	count    int
}

// stand asks where a task stands.
func (p *partition) stand(ctx context.Context, id task.ID) (*standing, error) {
	birth := id.Birth()
	ks := []string{p.Meta, p.Tasks, p.Events, p.Waiting, p.Cancels, p.Chunk(birth.LSN)}
	r, err := p.call(ctx, historyScript, ks, id.String(), birth.String(), birth.LSN, birth.Ms)
	if err != nil {
		return nil, err
	}
	s := &standing{floor: r.number(1), lsn: r.number(2), slot: wire.ParseSlot(r.text(3)), dueMs: r.number(4), marked: r.text(5) != ""}
	s.holder, s.idle, s.count = r.text(7), time.Duration(r.number(8))*time.Millisecond, int(r.number(9))
	entries, _ := r[6].([]any)
	for _, e := range entries {
		events, err := p.event(e)
		if err != nil {
			return nil, fmt.Errorf("history %s: %w", id, err)
		}
		for i := range events {
			switch e := &events[i]; {
			case e.At == birth && e.Task == id:
				s.birth = e
			case e.Task == id && e.Item == s.slot.Item || e.Kind == task.EntryLost:
				s.latest = e
			}
		}
	}
	if s.birth == nil && s.slot.State.Terminal() {
		s.birth, s.redacted, err = p.redacted(ctx, birth, id)
	}
	return s, err
}

// absent reports whether there is no such task, whatever has its lsn. Below the floor
// nobody can say.
func (s *standing) absent(id task.ID) bool {
	return s.birth == nil && s.latest == nil && id.LSN() >= s.floor
}

// event decodes an entry as the generic reply holds it: id, fields.
func (p *partition) event(v any) ([]task.Event, error) {
	pair, _ := v.([]any)
	if len(pair) != 2 {
		return nil, errProtocol
	}
	id, _ := pair[0].(string)
	at, err := task.ParsePosition(id)
	if err != nil {
		return nil, err
	}
	list, _ := pair[1].([]any)
	f := make(wire.Fields, len(list))
	for i, v := range list {
		s, _ := v.(string)
		f[i] = []byte(s)
	}
	return wire.Events(p.Number, at, f), nil
}

// Status tells where a task stands. Errors: [task.ErrNotFound].
func (r *Reader) Status(ctx context.Context, id task.ID) (task.Status, error) {
	p, err := r.log.byID(ctx, id)
	if err != nil {
		return task.Status{}, err
	}
	s, err := p.stand(ctx, id)
	if err != nil {
		return task.Status{}, err
	}
	st := task.Status{ID: id, Queue: p.Queue, EnqueuedAt: id.Time(), Attempt: 1, LSN: s.lsn}
	if id.LSN() < s.floor {
		err := p.outlived(ctx, s, &st)
		return st, err
	}
	if s.absent(id) {
		return st, fmt.Errorf("task %s: %w", id, task.ErrNotFound)
	}
	s.fill(&st)
	return st, nil
}

// fill writes what is known into a status.
func (s *standing) fill(st *task.Status) {
	if b := s.birth; b != nil {
		st.Type, st.Payload, st.Key = b.Type, b.Payload, b.Opts.Key
		st.ChangedAt = time.UnixMilli(b.At.Ms)
	}
	if e := s.latest; e != nil {
		st.Attempt, st.Error, st.Reason = max(st.Attempt, e.Attempt), e.Error, e.Reason
		st.ChangedAt = time.UnixMilli(e.At.Ms)
	}
	switch {
	case s.slot.State.Terminal():
		st.State = s.slot.State
	case s.dueMs != 0:
		st.State, st.DueAt = task.Waiting, time.UnixMilli(s.dueMs)
	case s.holder != "":
		st.State, st.Consumer, st.HeldFor, st.Deliveries, st.Cancelling = task.Running, s.holder, s.idle, s.count, s.marked
	default:
		st.State, st.Cancelling = task.Ready, s.marked
	}
}

// grave is what is kept of a dead task.
type grave struct {
	Attempt int
	Type    task.Type
	Payload []byte
	Opts    task.Opts
	Reason  string
	Error   string
}

func (p *partition) grave(ctx context.Context, id task.ID) (*grave, error) {
	s, err := p.log.db.HGet(ctx, p.Graves, id.String()).Result()
	if errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("task %s: %w", id, task.ErrNotDead)
	}
	if err != nil {
		return nil, mapError(err)
	}
	return parseGrave(s)
}

// fill writes what is known of a dead task into its status.
func (g *grave) fill(st *task.Status) {
	st.State, st.Type, st.Attempt, st.Payload = task.Dead, g.Type, g.Attempt, g.Payload
	st.Reason, st.Error, st.Key = g.Reason, g.Error, g.Opts.Key
}

func parseGrave(s string) (*grave, error) {
	f, err := wire.Split(s)
	if err != nil || len(f) < 7 {
		return nil, wire.ErrCorrupt
	}
	opts, err := wire.ParseOpts(f[4])
	if err != nil {
		return nil, err
	}
	return &grave{
		Attempt: int(parseInt(f[0])), Type: task.Type(f[1]), Payload: []byte(f[2]), Opts: opts, Reason: f[5], Error: f[6],
	}, nil
}
