package streams

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/task"
)

// Fetch reads up to limit new deliveries, waiting up to block for the first, four
// seconds at most.
//
// In one pipeline the token is read before the entries: whatever ends its life
// later, a promotion or the rebuilding of the group, makes the deliveries stale,
// whereas one read after them could be of a life in which they are somebody
// else's. The marks are read after them: a cancel in between shows.
//
// A read of seconds is one of a queue with nothing to do. Such a one goes by the
// token of the last, which is older, so that more is asked for its owner and never
// less, and asks for pause and marks only when it has brought something.
//
// After an error entries may have been delivered that this process never saw:
// Sweep finds them.
func (s *Session) Fetch(ctx context.Context, limit int, block time.Duration) (task.Batch, error) {
	p := s.part
	if p.log.closed.Load() {
		return task.Batch{}, fmt.Errorf("fetch %s: %w", p.Queue, task.ErrClosed)
	}
	block = min(block, maxBlock)
	args := []any{"XREADGROUP", "GROUP", keys.Group, s.name, "COUNT", limit}
	if block > 0 {
		args = append(args, "BLOCK", max(1, block.Milliseconds())) // 0 would be for ever
	}
	idle := block >= longBlock && s.life != ""
	pipe := s.reader.Pipeline()
	var life *redis.StringCmd
	if !idle {
		life = pipe.HGet(ctx, p.Meta, "token")
	}
	read := redis.NewRawCmd(ctx, append(args, "STREAMS", p.Tasks, ">")...)
	read.SetFirstKeyPos(int8(len(args) + 1))
	_ = pipe.Process(ctx, read)
	var now *standNow
	if !idle {
		now = s.ask(ctx, pipe)
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return task.Batch{}, fmt.Errorf("fetch %s: %w", p.Queue, s.mendFetch(ctx, mapError(err)))
	}
	r := resp{b: read.Val()}
	if err := r.fail(); err != nil {
		return task.Batch{}, fmt.Errorf("fetch %s: %w", p.Queue, s.mendFetch(ctx, err))
	}
	if !idle {
		s.life = life.Val()
	}
	var b task.Batch
	err := s.decode(&r, s.life, &b)
	if idle && len(b.Deliveries) > 0 && err == nil {
		pipe := s.reader.Pipeline()
		now = s.ask(ctx, pipe)
		if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
			return task.Batch{}, fmt.Errorf("fetch %s: %w", p.Queue, mapError(err))
		}
	}
	if now != nil {
		b.Marks, b.Paused = int(now.marks.Val()), now.flag.Val() == "1"
	}
	return b, err
}

// longBlock is how long a read waits in a queue with nothing to do, at least.
const longBlock = 2 * time.Second

// standNow is what must be known after deliveries have come, before one starts.
type standNow struct {
	flag  *redis.StringCmd
	marks *redis.IntCmd
}

func (s *Session) ask(ctx context.Context, pipe redis.Pipeliner) *standNow {
	return &standNow{flag: pipe.HGet(ctx, s.part.Meta, "paused"), marks: pipe.ZCard(ctx, s.part.Cancels)}
}

// mendFetch rebuilds a lost group, so that the next fetch succeeds.
func (s *Session) mendFetch(ctx context.Context, err error) error {
	if mended := s.part.mend(ctx, err); errors.Is(mended, task.ErrUnsafe) {
		return mended
	}
	return err
}

// decode reads the reply of XREADGROUP: nil, or one stream with its entries.
func (s *Session) decode(r *resp, token string, b *task.Batch) error {
	n := r.array()
	if n < 0 {
		return nil
	}
	if n != 1 || r.array() != 2 {
		return fmt.Errorf("fetch %s: %w", s.part.Queue, errProtocol)
	}
	r.bulk() // the stream's name
	return s.deliveries(r, token, b)
}

// deliveries reads entries. One that no version wrote comes as a delivery
// without a type, which the engine buries: it must not block its queue.
func (s *Session) deliveries(r *resp, token string, b *task.Batch) error {
	ahead := *r
	b.Deliveries = slices.Grow(b.Deliveries, min(max(ahead.array(), 0), len(r.b)/64)) // no entry of ours is shorter
	return r.entries(make(wire.Fields, 0, 2*len(wire.BirthFields)), func(at task.Position, f wire.Fields) {
		d, err := wire.Delivery(s.part.Number, at, f, s.intern)
		if err != nil {
			d.Type = ""
		}
		d.Queue, d.Token = s.part.Queue, token
		b.Deliveries = append(b.Deliveries, d)
	})
}

// load reads entries that are pending for this consumer already, in the order of
// their addresses; neighbours with one command. token is the one they were seen
// pending under: read any later, it might be of a server life in which they are
// somebody else's.
func (s *Session) load(ctx context.Context, held []wire.Claim, token string) (task.Batch, error) {
	p, b := s.part, task.Batch{}
	for len(held) > 0 {
		page := held[:min(len(held), maxItems)]
		held = held[len(page):]
		pipe := p.log.db.Pipeline()
		raw := make([]*redis.RawCmd, 0, len(page))
		for rest := page; len(rest) > 0; {
			n := adjacent(rest)
			raw = append(raw, redis.NewRawCmd(ctx, "XRANGE", p.Tasks, rest[0].Entry.String(), rest[n-1].Entry.String()))
			_ = pipe.Process(ctx, raw[len(raw)-1])
			rest = rest[n:]
		}
		meta := pipe.HMGet(ctx, p.Meta, "paused")
		marks := pipe.ZCard(ctx, p.Cancels)
		if _, err := pipe.Exec(ctx); err != nil {
			return b, fmt.Errorf("load %s: %w", p.Queue, mapError(err))
		}
		b.Marks, b.Paused = int(marks.Val()), meta.Val()[0] == "1"
		from := len(b.Deliveries)
		for _, c := range raw {
			r := resp{b: c.Val()}
			if err := s.deliveries(&r, token, &b); err != nil {
				b.Deliveries = b.Deliveries[:from] // the others have no count yet; a sweep finds them
				return b, err
			}
		}
		b.Deliveries = b.Deliveries[:from+counted(b.Deliveries[from:], page)]
	}
	return b, nil
}

// adjacent is how many claims from the first on have consecutive lsns.
func adjacent(held []wire.Claim) int {
	n := 1
	for n < len(held) && held[n].Entry.LSN == held[n-1].Entry.LSN+1 {
		n++
	}
	return n
}

// counted moves the deliveries that are held to the front, with the counts they
// are held with, and returns how many there are. A stranger's entry between two
// neighbours is not ours.
func counted(ds []task.Delivery, held []wire.Claim) int {
	n := 0
	for i := range ds {
		at, ok := slices.BinarySearchFunc(held, ds[i].Entry, func(c wire.Claim, p task.Position) int {
			return cmp.Or(cmp.Compare(c.Entry.Ms, p.Ms), cmp.Compare(c.Entry.LSN, p.LSN))
		})
		if ok {
			ds[n], ds[n].Count = ds[i], held[at].Count
			n++
		}
	}
	return n
}

// Sweep finds entries that are pending for this consumer but that known does
// not know: their delivery was lost on the way. Not beside a Fetch.
func (s *Session) Sweep(ctx context.Context, known func(task.Position) bool) (task.Batch, error) {
	p := s.part
	token, err := p.log.db.HGet(ctx, p.Meta, "token").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return task.Batch{}, fmt.Errorf("sweep %s: %w", p.Queue, mapError(err))
	}
	var lost []wire.Claim
	for from := "-"; ; {
		page, err := p.log.db.XPendingExt(ctx, &redis.XPendingExtArgs{
			Stream: p.Tasks, Group: keys.Group, Start: from, End: "+", Count: maxItems, Consumer: s.name,
		}).Result()
		if err != nil {
			return task.Batch{}, fmt.Errorf("sweep %s: %w", p.Queue, s.mendFetch(ctx, mapError(err)))
		}
		for _, e := range page {
			at, err := task.ParsePosition(e.ID)
			if err == nil && !known(at) {
				lost = append(lost, wire.Claim{Entry: at, Count: int(e.RetryCount)})
			}
			from = at.Next().String()
		}
		if len(page) < maxItems {
			return s.load(ctx, lost, token)
		}
	}
}
