package archive_test

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/archive"
	"github.com/tidemill/tidemill/task"
)

// fakeLog is a log of one partition in memory, whose entries a test makes.
type fakeLog struct {
	entries []task.Entry
	life    string
	spared  task.Position
	ms, lsn int64
}

func newFakeLog() *fakeLog {
	l := &fakeLog{life: "abc.1.1", ms: 1000}
	l.event(map[string]string{"kind": "epoch", "reason": "created", "extra": netstrings("", l.life, "0", "0")})
	return l
}

func netstrings(words ...string) string {
	var b strings.Builder
	for _, w := range words {
		fmt.Fprintf(&b, "%d:%s", len(w), w)
	}
	return b.String()
}

func (l *fakeLog) add(schema []string, values map[string]string) task.Position {
	l.lsn++
	l.ms++
	e := task.Entry{At: task.Position{Ms: l.ms, LSN: l.lsn}}
	values["v"] = "1"
	for _, name := range schema {
		e.Fields = append(e.Fields, []byte(name), []byte(values[name]))
	}
	l.entries = append(l.entries, e)
	return e.At
}

func (l *fakeLog) event(values map[string]string) task.Position {
	return l.add(wire.EventFields, values)
}

// birth makes a task that runs at once.
func (l *fakeLog) birth() task.ID {
	epoch := l.life[strings.LastIndexByte(l.life, '.')+1:]
	at := l.add(wire.BirthFields, map[string]string{"type": "work", "payload": "payload of a hundred bytes or so", "ref": epoch, "attempt": "1"})
	n, _ := strconv.Atoi(epoch)
	return task.NewID(0, uint16(n), at)
}

// succeed packs the successes of tasks.
func (l *fakeLog) succeed(ids ...task.ID) {
	base, items := ids[0].Birth(), []byte(nil)
	for i, id := range ids {
		items = wire.AppendItem(items, base, wire.Item{Task: id, Entry: id.Birth(), Attempt: 1, Ran: 1500 * time.Microsecond, Result: task.Digest{byte(i % 3)}})
	}
	l.event(map[string]string{
		"kind": "outcome", "outcome": "succeeded", "consumer": "01M8300000000000000000000", "n": strconv.Itoa(len(ids)),
		"prev": base.String(), "extra": string(items),
	})
}

// failover forgets what stands behind an lsn, and begins the next life with a clock
// that is a little behind.
func (l *fakeLog) failover(survived int64) {
	for len(l.entries) > 0 && l.entries[len(l.entries)-1].At.LSN > survived {
		l.entries = l.entries[:len(l.entries)-1]
	}
	old := l.life
	l.life, l.ms, l.lsn = "def.2.2", l.entries[len(l.entries)-1].At.Ms, survived+1<<28
	l.event(map[string]string{"kind": "epoch", "reason": "promotion", "extra": netstrings(old, l.life, strconv.FormatInt(survived, 10), "0")})
}

func (l *fakeLog) Queues(context.Context) (map[task.Queue]int, error) {
	return map[task.Queue]int{queue: 1}, nil
}

func (l *fakeLog) Feed(context.Context, task.Queue, int) (archive.Feed, error) { return l, nil }

func (l *fakeLog) Number() task.Partition { return 0 }

func (l *fakeLog) Page(_ context.Context, after task.Position) (task.Page, error) {
	from := 0
	for from < len(l.entries) && !before(after, l.entries[from].At) {
		from++
	}
	p := task.Page{Entries: l.entries[from:min(from+1000, len(l.entries))], Next: after, Life: l.life}
	if n := len(p.Entries); n > 0 {
		p.Next, p.More = p.Entries[n-1].At, n == 1000
	}
	return p, nil
}

func before(a, b task.Position) bool { return a.Ms < b.Ms || a.Ms == b.Ms && a.LSN < b.LSN }

func (l *fakeLog) Spare(_ context.Context, _ string, at task.Position) error {
	l.spared = at
	return nil
}

func (l *fakeLog) Hold(context.Context, string, string, time.Duration) (bool, error) {
	return true, nil
}

var errDisk = errors.New("disk is full")

// flaky is a bucket whose n-th put fails, before or after it was done.
type flaky struct {
	replay.Bucket
	puts  atomic.Int64
	fail  int64
	after bool
}

func (f *flaky) Put(ctx context.Context, name string, b []byte) error {
	n := f.puts.Add(1)
	if n == f.fail && !f.after {
		return fmt.Errorf("put %s: %w", path.Base(name), errDisk)
	}
	err := f.Bucket.Put(ctx, name, b)
	if n == f.fail {
		return fmt.Errorf("put %s: %w", path.Base(name), errDisk)
	}
	return err
}

func (l *fakeLog) archiveInto(t *testing.T, b replay.Bucket) error {
	t.Helper()
	return archive.New(l, b, archive.Options{Namespace: "ns"}).Once(t.Context())
}
