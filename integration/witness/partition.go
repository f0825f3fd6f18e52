package witness

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/integration/history"
)

// place is where an entry stands.
type place struct {
	stream  byte // t or e
	ms, lsn int64
}

func (p place) id() string { return fmt.Sprintf("%d-%d", p.ms, p.lsn) }

func (p place) before(q place) bool { return p.ms < q.ms || p.ms == q.ms && p.lsn < q.lsn }

func compareLSN(a, b place) int { return cmp.Or(cmp.Compare(a.lsn, b.lsn), cmp.Compare(a.ms, b.ms)) }

// seen is one entry: its fields, packed, and when it was read first.
type seen struct {
	packed []byte
	at     int64
	round  int // the reading from the start that found it last
}

// partition is what was seen of one partition.
//
//  1. Entries are read behind the last one of each stream. Ids ascend as long as
//     the server lives, so nothing is passed over.
//  2. When the token is another one, the streams may have been cut back: they are
//     read from the start once more, and merged by id.
//  3. What was seen and is not there then is an orphan if an epoch event says
//     that it did not survive; else it was trimmed or taken.
type partition struct {
	queue    string
	number   int
	prefix   string
	dir      string
	token    string
	position [2]string // where to read on, of t and e
	entries  map[place]*seen
	orphans  map[place]*seen
	epochs   []epoch
	rounds   int
	lsn      int64           // of m, before the reading that goes on
	upTo     place           // the last entry up to that lsn
	beyond   place           // the last entry after it, written meanwhile
	cursor   place           // the same of the last reading that was complete
	moved    string          // the cursor as it stands in k
	fresh    []history.Entry // not written yet
	log      *history.Lines
}

// epoch is what an epoch event says did not survive.
type epoch struct {
	place
	survived int64
	seen     int64 // when the event was read first
}

func newPartition(queue string, n int, prefix, dir string) *partition {
	return &partition{
		queue: queue, number: n, prefix: prefix, dir: dir, position: [2]string{"-", "-"},
		entries: map[place]*seen{}, orphans: map[place]*seen{},
	}
}

// path is the name of one of the partition's files.
func (p *partition) path(kind, ext string) string {
	return filepath.Join(p.dir, fmt.Sprintf("%s-%s-%d.%s", kind, p.queue, p.number, ext))
}

var streams = [2]byte{'t', 'e'}

// follow reads what is new. The token and the lsn come before the entries: a
// token that changes meanwhile is noticed the next time, and everything up to
// the lsn was written when the streams were read.
func (p *partition) follow(ctx context.Context, client redis.UniversalClient) error {
	m, err := client.HMGet(ctx, p.prefix+"m", "token", "lsn").Result()
	if err != nil {
		return fmt.Errorf("read meta of %s: %w", p.prefix, err)
	}
	token, _ := m[0].(string)
	again := token != p.token && p.token != ""
	if again {
		p.restart()
	}
	lsn, _ := m[1].(string)
	p.lsn, _ = strconv.ParseInt(lsn, 10, 64) // absent, before the first entry: 0
	p.reach(p.beyond)
	for i, stream := range streams {
		if err := p.catchUp(ctx, client, i, stream); err != nil {
			return err // the token stays the old one: from the start again
		}
	}
	p.token, p.cursor = cmp.Or(token, p.token), p.upTo
	if again {
		p.orphan()
	}
	return nil
}

// restart lets the next reading begin at the start. The cursor begins there, too:
// a flush took it along, and lsns may count from 1 again.
func (p *partition) restart() {
	p.position = [2]string{"-", "-"}
	p.rounds++
	p.upTo, p.beyond, p.cursor, p.moved = place{}, place{}, place{}, ""
}

func (p *partition) catchUp(ctx context.Context, client redis.UniversalClient, i int, stream byte) error {
	for {
		got, err := p.page(ctx, client, p.prefix+string(stream), p.position[i])
		if err != nil {
			return fmt.Errorf("read %s%c: %w", p.prefix, stream, err)
		}
		for _, raw := range got {
			p.position[i] = "(" + raw.id
			p.take(stream, raw)
		}
		if len(got) < page {
			return nil
		}
	}
}

// take notes one entry, or that it is still there.
func (p *partition) take(stream byte, r raw) {
	a, b, _ := strings.Cut(r.id, "-")
	ms, _ := strconv.ParseInt(a, 10, 64)
	lsn, err := strconv.ParseInt(b, 10, 64)
	if err != nil {
		return // no server answers such an id
	}
	at := place{stream, ms, lsn}
	if len(r.fields) > 0 && string(r.fields[0]) == "v" { // not a stranger's
		p.reach(at)
	}
	if s := p.entries[at]; s != nil {
		s.round = p.rounds
		return
	}
	s := p.orphans[at]
	if s == nil {
		s = &seen{at: history.Now(), packed: pack(r.fields)}
		p.fresh = append(p.fresh, history.Entry{Stream: string(stream), ID: r.id, Fields: r.fields, T: s.at})
	}
	delete(p.orphans, at)
	s.round = p.rounds
	p.entries[at] = s
	if ep, ok := epochOf(at, r.fields); ok {
		ep.seen = s.at
		p.epochs = append(p.epochs, ep)
	}
}

// reach notes how far reading came. What was written after the lsn was read may
// stand behind an entry of the other stream that was not read yet.
func (p *partition) reach(at place) {
	to := &p.upTo
	if at.lsn > p.lsn {
		to = &p.beyond
	}
	if to.before(at) {
		*to = at
	}
}
