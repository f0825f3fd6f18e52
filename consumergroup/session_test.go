package consumergroup_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidemill/tidemill/consumergroup"
	"github.com/tidemill/tidemill/task"
)

// Bounds that package streams sets to one call, written down once more.
const (
	maxSettle   = 256
	maxVerdicts = 64
	page        = 256
)

var _ consumergroup.Session = (*session)(nil)

// session is one consumer of the fake.
type session struct {
	f           *fake
	node        *node
	name        string
	beats       int
	interrupted chan struct{}
	once        sync.Once
	settling    atomic.Int32
}

func (s *session) Name() string { return s.name }

func (s *session) Interrupt() { s.once.Do(func() { close(s.interrupted) }) }

// fencedLocked is what most scripts begin with.
func (s *session) fencedLocked() error {
	if r, ok := s.f.records[s.name]; !ok || r == "dead" {
		return task.ErrFenced
	}
	return nil
}

func (s *session) Fetch(ctx context.Context, limit int, block time.Duration) (b task.Batch, err error) {
	t := time.NewTimer(block)
	defer t.Stop()
	for {
		var more chan struct{}
		err := s.node.call(ctx, s, "fetch", func() (int, error) {
			more = s.f.more
			b = s.takeLocked(limit)
			return len(b.Deliveries), nil
		})
		if err != nil || len(b.Deliveries) > 0 || b.Paused {
			return b, err
		}
		select {
		case <-more:
		case <-t.C:
			return b, nil
		case <-ctx.Done():
			return b, ctx.Err()
		case <-s.interrupted:
			return b, errDown
		}
	}
}

func (s *session) takeLocked(limit int) task.Batch {
	f := s.f
	n := min(limit, len(f.ready))
	b := task.Batch{Deliveries: slices.Clone(f.ready[:n]), Marks: len(f.marks), Paused: f.paused}
	f.ready = f.ready[n:]
	for i := range b.Deliveries {
		d := &b.Deliveries[i]
		d.Count, d.Token = 1, f.token
		f.held[d.Entry] = &holding{d: *d, by: s.name}
	}
	return b
}

func (s *session) Settle(ctx context.Context, out []task.Settlement) (answers []task.Answer, err error) {
	switch s.settling.Add(1) {
	case 2:
		s.f.twice.Store(true)
	case 3:
		s.f.t.Error("three settles in flight")
	}
	defer s.settling.Add(-1)
	s.checkBounds(out)
	err = s.node.call(ctx, s, "settle", func() (int, error) {
		if err := s.fencedLocked(); err != nil {
			return 0, err
		}
		for _, o := range out {
			answers = append(answers, s.settleLocked(o))
		}
		return len(out), nil
	})
	return answers, err
}

func (s *session) checkBounds(out []task.Settlement) {
	verdicts := 0
	for _, o := range out {
		if o.Kind != task.OutcomeSuccess {
			verdicts++
		}
		if o.Kind != task.StaleOutcome && o.Delivery.Token != out[0].Delivery.Token {
			s.f.t.Errorf("a settle of tokens %q and %q", out[0].Delivery.Token, o.Delivery.Token)
		}
	}
	if len(out) == 0 || len(out) > maxSettle || verdicts > maxVerdicts {
		s.f.t.Errorf("a settle of %d, %d of them no successes", len(out), verdicts)
	}
}

func (s *session) settleLocked(o task.Settlement) task.Answer {
	f := s.f
	if o.Kind != task.StaleOutcome {
		h := f.held[o.Delivery.Entry]
		switch {
		case h == nil:
			return task.Gone
		case h.by != s.name:
			return task.Taken
		}
		delete(f.held, o.Delivery.Entry)
		if f.marks[o.Delivery.ID] && slices.Contains([]task.Kind{task.OutcomeRetry, task.OutcomeSnooze, task.HandedBack}, o.Kind) {
			o.Kind = task.OutcomeCancel // as the script has it
		}
		delete(f.marks, o.Delivery.ID)
	}
	d := *o.Delivery
	o.Delivery = &d
	f.log = append(f.log, outcome{Settlement: o, by: s.name, at: time.Now()})
	if o.Kind == task.HandedBack {
		d.Opts.Crashes, d.Count = d.Starts(), 1
		f.lsn++
		d.Entry = task.Position{Ms: 1, LSN: f.lsn}
		f.ready = append(f.ready, d)
		f.announceLocked()
	}
	return task.Recorded
}

func (s *session) Leave(ctx context.Context) error {
	s.Interrupt()
	return s.node.call(ctx, s, "leave", func() (int, error) {
		for _, h := range s.f.held {
			if h.by == s.name {
				return 0, errors.New("deliveries are left")
			}
		}
		delete(s.f.records, s.name)
		return 0, nil
	})
}

func (s *session) Renew(ctx context.Context, ask []task.ID) (marks int, cancelled []task.ID, err error) {
	err = s.node.call(ctx, s, "renew", func() (int, error) {
		if err := s.fencedLocked(); err != nil {
			return 0, err
		}
		s.beats++
		s.f.records[s.name] = fmt.Sprint(s.beats)
		for _, id := range ask {
			if s.f.marks[id] {
				cancelled = append(cancelled, id)
			}
		}
		marks = len(s.f.marks)
		return len(ask), nil
	})
	return marks, cancelled, err
}

func (s *session) Charge(ctx context.Context, ds []*task.Delivery) (held []bool, err error) {
	err = s.node.call(ctx, s, "charge", func() (int, error) {
		if err := s.fencedLocked(); err != nil {
			return 0, err
		}
		for _, d := range ds {
			h := s.f.held[d.Entry]
			ok := h != nil && h.by == s.name
			if ok {
				h.d.Count = d.Count + 1
			}
			held = append(held, ok)
		}
		return len(ds), nil
	})
	if err != nil {
		return nil, err
	}
	for i, d := range ds {
		if held[i] {
			d.Count++
		}
	}
	return held, nil
}

func (s *session) Observe(ctx context.Context, everyone bool) (records map[string]string, err error) {
	err = s.node.call(ctx, s, "observe", func() (int, error) {
		records = maps.Clone(s.f.records)
		if everyone {
			for _, h := range s.f.held {
				if _, ok := records[h.by]; !ok {
					records[h.by] = ""
				}
			}
		}
		delete(records, s.name)
		return len(records), nil
	})
	return records, err
}

func (s *session) Reclaim(ctx context.Context, victim, seen string) (b task.Batch, more bool, err error) {
	err = s.node.call(ctx, s, "reclaim", func() (int, error) {
		f := s.f
		if err := s.fencedLocked(); err != nil {
			return 0, err
		}
		if r := f.records[victim]; r != "dead" && r != seen {
			return 0, nil // alive
		}
		var theirs []task.Position
		for at, h := range f.held {
			if h.by == victim {
				theirs = append(theirs, at)
			}
		}
		if len(theirs) == 0 {
			delete(f.records, victim)
			return 0, nil
		}
		f.records[victim], more = "dead", true
		slices.SortFunc(theirs, func(a, b task.Position) int { return int(a.LSN - b.LSN) })
		for _, at := range theirs[:min(page, len(theirs))] {
			h := f.held[at]
			h.by, h.d.Count, h.d.Token = s.name, max(2, h.d.Count), f.token
			b.Deliveries = append(b.Deliveries, h.d)
		}
		b.Marks, b.Paused = len(f.marks), f.paused
		return len(b.Deliveries), nil
	})
	if err != nil {
		return task.Batch{}, false, err
	}
	return b, more, nil
}

// Sweep lists first and asks later, as two calls of Redis do.
func (s *session) Sweep(ctx context.Context, known func(task.Position) bool) (b task.Batch, err error) {
	var pending []task.Delivery
	err = s.node.call(ctx, s, "sweep", func() (int, error) {
		for _, h := range s.f.held {
			if h.by == s.name {
				pending = append(pending, h.d)
			}
		}
		b.Marks, b.Paused = len(s.f.marks), s.f.paused
		return len(pending), nil
	})
	s.node.mu.Lock()
	mid := s.node.mid
	s.node.mu.Unlock()
	if mid != nil {
		mid()
	}
	for _, d := range pending {
		if !known(d.Entry) {
			b.Deliveries = append(b.Deliveries, d)
		}
	}
	return b, err
}

func (s *session) Paused(ctx context.Context) (paused bool, err error) {
	err = s.node.call(ctx, s, "paused", func() (int, error) {
		paused = s.f.paused
		return 0, nil
	})
	return paused, err
}
