package streams

import (
	"context"
	"iter"
	"math"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/task"
)

// record is one entry: decoded, or raw.
type record struct {
	at     task.Position
	events []task.Event
	fields wire.Fields
	hidden bool // below the floor
	erased bool // redacted: what is left of it
	ours   bool // no stranger's
}

// decoder fills a record. The fields are reused for the next one; what they point to
// is not.
type decoder func(*record, wire.Fields)

// cursor reads the log of a partition: both streams and what was redacted of them,
// merged, a page at a time.
//
//  1. The streams are read one after the other, so what is known of each ends at the
//     clock that was read before, or at the end of a full page: what was written in
//     between may be in one of them and would seem to be missing in the other. (In one
//     transaction they would not be read at all when memory is full.) What is known
//     of both is given out; what one has beyond it is kept, and not read again.
//  2. What was redacted is asked for after them, each time from what was given out
//     on, so that nothing can be in neither; what is in both is given out once, as what
//     is left of it.
//  3. Below the floor Redis cuts the streams where it likes, each at another place: an
//     outcome may be left whose release is gone, or the other way round. What is read
//     of it says what never was, and is hidden. The floor is asked for last: a trim
//     in between shows, also on what was kept.
//  4. In another life of the log, after a restart or a promotion, what was read of a
//     stream may never have been, and others may stand in its place: both are read
//     anew, from the last entry that was given out.
//  5. What a stranger writes into the past of a stream is not given out.
type cursor struct {
	part   *partition
	decode decoder
	token  string        // of the life that was read
	after  task.Position // of the last entry that was given out
	had    task.Position // of the last that is ours: a stranger's may stand in the same place of the other stream

	lists [3][]record      // what is not given out yet: of the streams, and redacted
	asked [2]task.Position // where each stream is to be read on
	known [3]task.Position // up to where all is known
	full  [3]bool          // that was as much as is read at once: there may be more
}

// farthest is beyond every entry.
var farthest = task.Position{Ms: math.MaxInt64, LSN: math.MaxInt64}

func newCursor(p *partition, after task.Position, decode decoder) *cursor {
	c := &cursor{part: p, decode: decode, after: after, had: after}
	c.restart()
	return c
}

// restart forgets what was kept.
func (c *cursor) restart() {
	c.lists, c.asked = [3][]record{}, [2]task.Position{c.after, c.after}
}

// more reports whether the log went on when it was read.
func (c *cursor) more() bool { return c.full != [3]bool{} }

// kept reports whether anything was read that is not given out yet.
func (c *cursor) kept() bool { return len(c.lists[0])+len(c.lists[1])+len(c.lists[2]) > 0 }

// read asks for a page of each stream of which nothing is kept.
func (c *cursor) read(ctx context.Context) error {
	p := c.part
	pipe := p.log.db.Pipeline()
	clock := pipe.HMGet(ctx, p.Meta, "ms", "lsn", "token")
	raw := [2]*redis.RawCmd{}
	for i, stream := range []string{p.Tasks, p.Events} {
		if len(c.lists[i]) > 0 {
			continue
		}
		from := "-"
		if !c.asked[i].IsZero() {
			from = "(" + c.asked[i].String()
		}
		raw[i] = redis.NewRawCmd(ctx, "XRANGE", stream, from, "+", "COUNT", maxItems)
		raw[i].SetFirstKeyPos(1)
		_ = pipe.Process(ctx, raw[i])
	}
	redacted := p.remnantsAsked(ctx, pipe, c.after, 0)
	floor := pipe.HMGet(ctx, p.Meta, "floor", "cut")
	if _, err := pipe.Exec(ctx); err != nil {
		return mapError(err)
	}
	at, token := clockOf(clock.Val())
	if c.token != "" && token != c.token {
		c.token = token
		c.restart()
		return c.read(ctx)
	}
	c.token = token
	for i := range raw {
		if raw[i] == nil {
			continue
		}
		if err := c.keep(i, raw[i].Val(), at); err != nil {
			return err
		}
	}
	if err := c.remnants(ctx, redacted.Val()); err != nil {
		return err
	}
	for _, list := range c.lists {
		hide(list, floor.Val())
	}
	return nil
}

// clockOf reads ms, lsn and token of the meta hash; where that was lost there is no
// bound.
func clockOf(meta []any) (task.Position, string) {
	ms, _ := meta[0].(string)
	lsn, _ := meta[1].(string)
	token, _ := meta[2].(string)
	if at := (task.Position{Ms: parseInt(ms), LSN: parseInt(lsn)}); !at.IsZero() {
		return at, token
	}
	return farthest, token
}

// keep takes what was read of a stream, up to the clock.
func (c *cursor) keep(i int, reply []byte, clock task.Position) error {
	page, err := records(reply, c.decode)
	if err != nil {
		return err
	}
	c.full[i] = len(page) == maxItems
	for len(page) > 0 && comparePositions(page[len(page)-1].at, clock) > 0 {
		page, c.full[i] = page[:len(page)-1], false
	}
	c.lists[i], c.known[i] = page, clock
	if len(page) > 0 {
		c.asked[i] = page[len(page)-1].at
	}
	if c.full[i] {
		c.known[i] = c.asked[i]
	}
	return nil
}

// remnants takes what was redacted.
func (c *cursor) remnants(ctx context.Context, asked []string) error {
	left, full, err := c.part.remnants(ctx, c.after, asked)
	if err != nil {
		return err
	}
	c.lists[2], c.known[2], c.full[2] = nil, farthest, full
	for _, l := range left {
		r := record{at: l.at, erased: true, ours: true}
		c.decode(&r, l.fields)
		c.lists[2] = append(c.lists[2], r)
	}
	if full {
		c.known[2] = left[len(left)-1].at
	}
	return nil
}

// merged gives out what is known, in order. Entries that a stranger added have no lsn
// of ours, so the order is that of whole positions, which is the order of lsn for all
// others. An entry that was redacted between two reads is in two lists.
func (c *cursor) merged() iter.Seq[*record] {
	return func(yield func(*record) bool) {
		for {
			from := c.least()
			if from == nil {
				return
			}
			r := &(*from)[0]
			for _, end := range c.known {
				if comparePositions(r.at, end) > 0 {
					return
				}
			}
			*from = (*from)[1:]
			if comparePositions(r.at, c.after) < 0 || r.ours && r.at == c.had {
				continue
			}
			if c.after = r.at; r.ours {
				c.had = r.at
			}
			if !yield(r) {
				return
			}
		}
	}
}

// least is the list with the least position; of equal ones the last, which tells what
// was redacted since the others were read.
func (c *cursor) least() *[]record {
	var from *[]record
	for i := range c.lists {
		if l := &c.lists[i]; len(*l) > 0 && (from == nil || comparePositions((*l)[0].at, (*from)[0].at) <= 0) {
			from = l
		}
	}
	return from
}

// hide marks what stands below the floor. A cut may be planned
// beyond it; and without a cut, where the meta hash was lost, the floor is no sign
// of one.
func hide(page []record, meta []any) {
	floor, _ := meta[0].(string)
	text, _ := meta[1].(string)
	cut, err := task.ParsePosition(text)
	if err != nil {
		return
	}
	below := parseInt(floor)
	for i := range page {
		page[i].hidden = page[i].at.LSN < below && comparePositions(page[i].at, cut) < 0
	}
}

// records reads the entries of a reply.
func records(b []byte, decode decoder) ([]record, error) {
	r := resp{b: b}
	if err := r.fail(); err != nil {
		return nil, err
	}
	out := make([]record, 0, maxItems)
	err := r.entries(make(wire.Fields, 0, 2*len(wire.EventFields)), func(at task.Position, f wire.Fields) {
		out = append(out, record{at: at, ours: len(f) > 0 && string(f[0]) == wire.BirthFields[0]})
		decode(&out[len(out)-1], f)
	})
	return out, err
}
