package streams

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/task"
)

// remains folds what the log still says of a task whose birth is below the
// floor, where no index leads to it. Rare: it outlived the retention, or the
// meta hash was lost. Errors: [task.ErrNotFound].
func (p *partition) remains(ctx context.Context, id task.ID) (*task.Life, []task.Event, error) {
	f := task.NewFold()
	f.Partial = true
	var events []task.Event
	for e, err := range p.scan(ctx, task.Position{}) {
		if err != nil {
			return nil, nil, err
		}
		switch _, open := f.Entries[e.Prev]; {
		case e.Kind == task.Trimmed:
			if prune(f, &e); f.Tasks[id] == nil {
				events = nil
			}
		case e.Task == id, open && (e.Kind == task.Reclaimed || e.Kind == task.EntryLost):
			f.Add(&e)
			events = append(events, e)
		}
	}
	l := f.Tasks[id]
	if l == nil {
		return nil, nil, fmt.Errorf("%w: its history was trimmed", task.ErrNotFound)
	}
	return l, events, nil
}

// prune forgets what a trim proves to have ended: a trim spares what is open, so
// an entry below its cut that seems open has lost its end, because the two
// streams are not cut at the same place.
func prune(f *task.Fold, trimmed *task.Event) {
	_, to, _ := strings.Cut(string(trimmed.Extra), " ")
	cut := parseInt(to)
	f.First = max(f.First, cut)
	for at, id := range f.Entries {
		if at.LSN < cut {
			delete(f.Entries, at)
			delete(f.Tasks, id)
		}
	}
}

// outlived fills the status of a task whose birth is below the floor.
func (p *partition) outlived(ctx context.Context, s *standing, st *task.Status) error {
	if s.dueMs != 0 {
		st.State, st.DueAt = task.Waiting, time.UnixMilli(s.dueMs)
		return p.waited(ctx, s, st)
	}
	g, err := p.grave(ctx, st.ID)
	if err == nil {
		g.fill(st)
		return nil
	}
	if !errors.Is(err, task.ErrNotDead) {
		return err
	}
	l, events, err := p.remains(ctx, st.ID)
	if err != nil {
		return fmt.Errorf("task %s: %w", st.ID, err)
	}
	for i := range events {
		e := &events[i]
		st.Error, st.Reason, st.ChangedAt = e.Error, e.Reason, time.UnixMilli(e.At.Ms)
		if e.Type != "" {
			st.Type, st.Payload, st.Key = e.Type, e.Payload, e.Opts.Key
		}
	}
	st.State, st.Attempt = l.State, max(l.Attempt, 1)
	if l.State == task.Ready {
		st.Cancelling = s.marked
		return p.holder(ctx, l.Entry, st)
	}
	return nil
}

// waited reads what is kept beside the log for a task that waits.
func (p *partition) waited(ctx context.Context, s *standing, st *task.Status) error {
	if b := s.birth; b != nil {
		st.Type, st.Payload, st.Key = b.Type, b.Payload, b.Opts.Key
	}
	copied, err := p.log.db.HGet(ctx, p.Copies, st.ID.String()).Result()
	if err != nil {
		if errors.Is(err, redis.Nil) {
			err = nil // waits for the first time, and its birth is still there
		}
		return mapError(err)
	}
	f, err := wire.Split(copied)
	if err != nil || len(f) < 3 {
		return wire.ErrCorrupt
	}
	st.Attempt = int(parseInt(f[0]))
	if len(f) > 4 {
		st.Type, st.Payload = task.Type(f[3]), []byte(f[4])
	}
	return nil
}

// holder looks who runs an open entry.
func (p *partition) holder(ctx context.Context, at task.Position, st *task.Status) error {
	held, err := p.log.db.XPendingExt(ctx, &redis.XPendingExtArgs{
		Stream: p.Tasks, Group: keys.Group, Start: at.String(), End: at.String(), Count: 1,
	}).Result()
	if err != nil {
		return mapError(err)
	}
	for _, h := range held {
		st.State, st.Consumer, st.HeldFor, st.Deliveries = task.Running, h.Consumer, h.Idle, int(h.RetryCount)
	}
	return nil
}
