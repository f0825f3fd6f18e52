package streams

import (
	"strconv"
	"time"

	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/task"
)

// DefaultKeyTTL is how long an idempotency key is remembered when the birth does
// not say.
const DefaultKeyTTL = 24 * time.Hour

// Due times outside these bounds would not come back from a stored number as
// what they were; 1 ms is as past as anything, the year 9999 as far.
const (
	minDue = 1
	maxDue = 253_402_300_799_999
)

// encoded is a birth as the script takes it.
type encoded struct {
	typ, headers, opts, due string
	payload                 []byte
	key, ttl                string
}

func (b *encoded) size() int {
	return len(b.typ) + len(b.payload) + len(b.headers) + len(b.opts) + len(b.key) + 64
}

// encode makes a birth ready for a lane of partition p.
func encode(p *partition, b *task.Birth) encoded {
	e := encoded{typ: string(b.Type), payload: b.Payload, headers: wire.Headers(b.Headers)}
	o := b.Opts
	if b.Key != "" {
		o.Key, o.KeyTTL = b.Key, b.KeyTTL
		if o.KeyTTL <= 0 {
			o.KeyTTL = DefaultKeyTTL
		}
		e.key, e.ttl = p.Unique(b.Type, b.Key), strconv.FormatInt(max(1, o.KeyTTL.Milliseconds()), 10)
	}
	e.opts = wire.Opts(o)
	switch {
	case !b.At.IsZero():
		e.due = strconv.FormatInt(min(max(b.At.UnixMilli(), minDue), maxDue), 10)
	case b.In > 0:
		e.due = "+" + strconv.FormatInt(max(1, b.In.Milliseconds()), 10)
	}
	return e
}
