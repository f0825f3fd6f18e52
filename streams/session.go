package streams

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/task"
)

const chunkBits = keys.ChunkBits

// Session is one incarnation of a consumer on one partition. Its name is used
// once. Two calls of Settle are in flight at most, and one of Fetch or Sweep; the
// others may run beside them, and Reclaim beside itself.
//
//  1. The record in f is written before the first read, so an absent record
//     always means fenced.
//  2. Entries move to another consumer only after this one was fenced as a
//     whole; then every call answers [task.ErrFenced], for good.
//  3. A settle is numbered, those of one lane odd, of the other even: asked again
//     after a lost reply, it gets the first answer and writes nothing, whatever the
//     other lane did. No order holds between the two. A process that pauses for a
//     minute in the middle finds itself fenced; one whose Redis forgot its last
//     second finds its entries pending again and its token stale, and is asked who
//     owns them.
type Session struct {
	part   *partition
	name   string
	reader redis.UniversalClient // its own connection: it blocks
	lanes  chan int64            // the numbers that the next two settles get, odd and even
	life   string                // the token that the last fetch read

	mu     sync.Mutex        // guards types: pages are read and taken over side by side
	types  map[string]string // one string per type name
	closed atomic.Bool
}

// Join makes a consumer on partition n (from 0) of a queue.
func (l *Log) Join(ctx context.Context, q task.Queue, n int) (*Session, error) {
	ps, err := l.partitions(ctx, q, true)
	if err != nil {
		return nil, err
	}
	if n < 0 || n >= len(ps) {
		return nil, fmt.Errorf("join %s: no partition %d", q, n)
	}
	s := &Session{part: ps[n], name: l.newConsumer(), types: map[string]string{}, lanes: make(chan int64, 2)}
	s.lanes <- 1
	s.lanes <- 2
	for try := 0; ; try++ {
		r, err := s.part.call(ctx, joinScript, []string{s.part.Meta, s.part.Members}, s.name)
		if err != nil {
			return nil, err
		}
		if r.word() == "OK" || try > 0 { // INUSE after a lost reply: it is ours
			break
		}
		s.name = l.newConsumer()
	}
	s.reader = l.target.blocking()
	return s, nil
}

func (l *Log) newConsumer() string { return task.ConsumerName(newName(), l.opts.Version, l.opts.Host) }

// Name is the consumer's name.
func (s *Session) Name() string { return s.name }

// Interrupt ends a Fetch that blocks; the session can no longer fetch.
func (s *Session) Interrupt() {
	if !s.closed.Swap(true) {
		s.reader.Close()
	}
}

// Leave deletes the consumer if it holds nothing, and closes its connection.
// What it still holds stays pending and will be reclaimed.
func (s *Session) Leave(ctx context.Context) error {
	s.Interrupt()
	p := s.part
	r, err := p.call(ctx, leaveScript, []string{p.Meta, p.Tasks, p.Members}, s.name)
	if err == nil && r.word() == "BUSY" {
		err = fmt.Errorf("leave %s: deliveries are left for others to reclaim", p.Queue)
	}
	return err
}

// Renew moves the heartbeat, which is the whole lease. It returns how many
// cancels are marked in the partition and, of the births asked about, which.
func (s *Session) Renew(ctx context.Context, ask []task.ID) (marks int, cancelled []task.ID, err error) {
	byLSN := make(map[int64]task.ID, len(ask))
	for first := true; first || len(ask) > 0; first = false {
		n := min(len(ask), maxItems)
		args := make([]any, 0, n+1)
		args = append(args, s.name)
		for _, id := range ask[:n] {
			args = append(args, id.LSN())
			byLSN[id.LSN()] = id
		}
		ask = ask[n:]
		r, err := s.part.call(ctx, renewScript, []string{s.part.Meta, s.part.Members, s.part.Cancels}, args...)
		if err != nil {
			return 0, nil, err
		}
		marks = int(r.number(1))
		for i := 2; i < len(r); i++ {
			cancelled = append(cancelled, byLSN[r.number(i)])
		}
	}
	return marks, cancelled, nil
}

// Paused reports whether the queue is paused.
func (s *Session) Paused(ctx context.Context) (bool, error) {
	v, err := s.part.log.db.HGet(ctx, s.part.Meta, "paused").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return false, fmt.Errorf("paused %s: %w", s.part.Queue, mapError(err))
	}
	return v == "1", nil
}

// Charge counts the start of deliveries that were taken over. It reports for
// each whether it is still held; one that is not must not start.
func (s *Session) Charge(ctx context.Context, ds []*task.Delivery) ([]bool, error) {
	held := make([]bool, 0, len(ds))
	for len(ds) > 0 {
		n := min(len(ds), maxItems)
		args := make([]any, 0, 2*n+1)
		args = append(args, s.name)
		for _, d := range ds[:n] {
			args = append(args, d.Entry.String(), d.Count)
		}
		r, err := s.part.call(ctx, chargeScript, []string{s.part.Meta, s.part.Tasks, s.part.Members}, args...)
		if err != nil {
			return nil, err
		}
		for _, c := range r.text(1) {
			held = append(held, c == 'A')
		}
		for i, d := range ds[:n] {
			if i < len(held) && held[len(held)-n+i] {
				d.Count++
			}
		}
		ds = ds[n:]
	}
	return held, nil
}

// intern returns one string per type name.
func (s *Session) intern(b []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.types[string(b)]; ok {
		return t
	}
	t := strings.Clone(string(b))
	if len(s.types) < 1000 {
		s.types[t] = t
	}
	return t
}
