package streams_test

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// backlog makes more births than a page holds, then their outcomes: a reader has
// these in hand while it reads on in the births.
func (r *rig) backlog(pages int) (births int) {
	r.Helper()
	for range pages {
		r.ready(streams.MaxItems)
	}
	s := r.join()
	for range pages {
		r.settle(s, task.OutcomeSuccess, task.Recorded, r.fetch(s, streams.MaxItems)...)
	}
	return pages * streams.MaxItems
}

// lsns reads the log and calls amid after the first event.
func (r *rig) lsns(amid func()) (all []int64) {
	r.Helper()
	for e, err := range r.log.Reader().Events(r.ctx, queue, 0, task.Position{}) {
		r.must(err)
		if n := len(all); n == 0 || all[n-1] != e.At.LSN { // items of an entry share its lsn
			all = append(all, e.At.LSN)
		}
		if amid != nil {
			amid()
			amid = nil
		}
	}
	return all
}

// TestReadWhileWritten: whatever is written meanwhile, the log is read without a hole.
func TestReadWhileWritten(t *testing.T) {
	r := onReal(t).checked()
	var writers sync.WaitGroup
	defer writers.Wait()
	for range 2 {
		s := r.join()
		writers.Go(func() {
			for range 60 {
				r.ready(7)
				if b, err := s.Fetch(r.ctx, 7, 0); err != nil {
					r.Error(err)
				} else if len(b.Deliveries) > 0 {
					r.settle(s, task.OutcomeRetry, task.Recorded, b.Deliveries...)
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() { // ends with them
		writers.Wait()
		close(ended)
	}()
	for over := false; !over; {
		select {
		case <-ended:
			over = true
		default:
		}
		for i, n := range r.lsns(nil) {
			if n != int64(i)+1 {
				t.Fatalf("lsn %d where %d should be", n, i+1)
			}
		}
	}
}

// TestReadInAnotherLife: what a reader has in hand when the log is found to be another
// one is not given out.
func TestReadInAnotherLife(t *testing.T) {
	r := onReal(t) // the log is damaged
	births := r.backlog(2)
	got := r.lsns(func() {
		for _, e := range r.db.XRange(r.ctx, r.k.Events, "-", "+").Val() {
			r.must(r.db.XDel(r.ctx, r.k.Events, e.ID).Err())
		}
		r.must(r.db.HSet(r.ctx, r.k.Meta, "token", "another.1.2").Err())
	})
	if n := len(got); n != 1+births || got[n-1] != int64(n) { // the epoch's, and the births
		t.Errorf("%d entries to lsn %d of %d births", n, got[n-1], births)
	}
}

// TestReadBeyondATrim: what a reader has in hand below a new floor is not given out,
// since of the other stream it is gone.
func TestReadBeyondATrim(t *testing.T) {
	r := onReal(t)
	r.backlog(2)
	last := r.stats().LSN
	got := r.lsns(func() {
		now := strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10)
		r.must(r.db.HSet(r.ctx, r.k.Meta, "floor", last, "cut", now+"-"+strconv.FormatInt(last, 10)).Err())
		r.must(r.db.XTrimMaxLen(r.ctx, r.k.Tasks, 1).Err())
	})
	if n := len(got); n != 1+streams.MaxItems+1 || got[n-1] != last { // the epoch's, a page, and the last
		t.Errorf("%d entries to lsn %d, want a page and lsn %d", n, got[max(n-1, 0)], last)
	}
}

// TestReadInAnotherLifeBehind: the other life goes on behind what was read of one
// stream, and before what was read of the other: it is read as a whole or not.
func TestReadInAnotherLifeBehind(t *testing.T) {
	r := onReal(t) // the log is damaged
	s := r.join()
	ds := r.held(s, 3)
	r.settle(s, task.OutcomeSuccess, task.Recorded, ds...)
	birth := ds[2].Entry
	moved := task.Position{Ms: birth.Ms + 20, LSN: birth.LSN + 1}
	outcome := r.db.XRevRange(r.ctx, r.k.Events, "+", "-").Val()[0]
	r.must(r.db.XDel(r.ctx, r.k.Events, outcome.ID).Err())
	r.again(r.k.Events, moved.String(), outcome.Values)
	r.must(r.db.HSet(r.ctx, r.k.Meta, "ms", moved.Ms, "lsn", moved.LSN).Err())
	got := r.lsns(func() {
		born := r.db.XRange(r.ctx, r.k.Tasks, birth.String(), birth.String()).Val()[0]
		r.again(r.k.Tasks, task.Position{Ms: birth.Ms + 10, LSN: 1<<28 + 1}.String(), born.Values)
		r.must(r.db.HSet(r.ctx, r.k.Meta, "token", "another.1.2").Err())
	})
	for i, n := range got {
		if n != int64(i)+1 {
			t.Fatalf("lsns %v", got)
		}
	}
	if len(got) != int(moved.LSN) {
		t.Errorf("%d entries, want %d", len(got), moved.LSN)
	}
}

// again adds an entry with the fields of another one, of births and events in order.
func (r *rig) again(stream, id string, values map[string]any) {
	r.Helper()
	names := wire.BirthFields
	if _, ok := values["kind"]; ok {
		names = wire.EventFields
	}
	var all []any
	for _, name := range names {
		all = append(all, name, values[name])
	}
	r.must(r.db.XAdd(r.ctx, &redis.XAddArgs{Stream: stream, ID: id, Values: all}).Err())
}

// TestReadAStrangersPast: what a stranger writes behind what was read changes nothing
// of it, and what was redacted is told once.
func TestReadAStrangersPast(t *testing.T) {
	r := onReal(t)
	s := r.join()
	d := r.held(s, 1)[0]
	r.until("time has passed", func() bool { return r.stats().NowMs > d.Entry.Ms+20 })
	later := r.later(time.Hour)
	_, err := r.log.Cancel(r.ctx, later, by)
	r.must(err)
	_, err = r.log.Redact(r.ctx, later, by)
	r.must(err)
	got := r.lsns(func() { r.stranger(r.k.Tasks, task.Position{Ms: d.Entry.Ms + 5}.String()) })
	for i, n := range got {
		if n != int64(i)+1 {
			t.Fatalf("lsns %v", got)
		}
	}
}

// TestReadAStrangersPlace: a stranger's entry may have the very place of ours in the
// other stream, and hides nothing.
func TestReadAStrangersPlace(t *testing.T) {
	r := onReal(t)
	r.later(time.Hour)
	s := r.stats()
	place := task.Position{Ms: s.NowMs + time.Hour.Milliseconds(), LSN: s.LSN + 1}
	r.must(r.db.HSet(r.ctx, r.k.Meta, "ms", place.Ms).Err())
	r.stranger(r.k.Tasks, place.String())
	id := r.later(time.Hour)
	if id.Birth() != place {
		t.Fatalf("born at %s, want %s", id.Birth(), place)
	}
	told := 0
	for e, err := range r.log.Reader().Events(r.ctx, queue, 0, task.Position{}) {
		if r.must(err); e.Task == id {
			told++
		}
	}
	if told != 1 {
		t.Errorf("told %d times, want once", told)
	}
}

// TestRedactedInHand: what a feed has in hand when it is redacted is given out without
// its payload.
func TestRedactedInHand(t *testing.T) {
	r := onReal(t)
	for range streams.MaxItems { // in the other stream
		r.later(time.Hour)
	}
	s := r.join()
	d := r.held(s, 1)[0]
	r.settle(s, task.OutcomeSuccess, task.Recorded, d)
	feed, err := r.log.Reader().Feed(r.ctx, queue, 0)
	r.must(err)
	page, err := feed.Page(r.ctx, task.Position{})
	r.must(err)
	if last := page.Entries[len(page.Entries)-1].At; !page.More || last.LSN >= d.Entry.LSN {
		t.Fatalf("the first page ends at %s, want before %s", last, d.Entry)
	}
	if _, err := r.log.Redact(r.ctx, d.ID, by); err != nil {
		t.Fatal(err)
	}
	told := 0
	for page.More {
		page, err = feed.Page(r.ctx, page.Next)
		r.must(err)
		for _, e := range page.Entries {
			if e.At != d.Entry {
				continue
			}
			told++
			if ev := wire.Events(0, e.At, e.Fields)[0]; !e.Erased || len(ev.Payload) > 0 {
				t.Errorf("told with payload %q, erased %t", ev.Payload, e.Erased)
			}
		}
	}
	if told != 1 {
		t.Errorf("told %d times, want once", told)
	}
}
