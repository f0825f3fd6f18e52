package streams_test

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// A feed has every entry of the log, page by page, also in one that was trimmed, and
// trim spares what its cursor has not passed.
func TestFeed(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.history(600)
		feed, err := r.log.Reader().Feed(r.ctx, queue, 0)
		r.must(err)
		read := func() (lsns []int64) {
			for at := (task.Position{}); ; {
				page, err := feed.Page(r.ctx, at)
				r.must(err)
				for _, e := range page.Entries {
					lsns = append(lsns, e.At.LSN)
				}
				if page.Life == "" || !page.More {
					return lsns
				}
				at = page.Next
			}
		}
		all := read()
		if int64(len(all)) != r.stats().LSN || all[0] != 1 {
			t.Fatalf("%d entries from %d on, the log ends at %d", len(all), all[0], r.stats().LSN)
		}
		at := r.events()[300].At
		r.must(feed.Spare(r.ctx, "archive", at))
		behind, err := r.log.Reader().Behind(r.ctx, queue)
		r.must(err)
		if got := behind["archive"]; !got.Equal(time.UnixMilli(at.Ms)) {
			t.Errorf("behind since %s, want %s", got, time.UnixMilli(at.Ms))
		}
		r.trim()
		if left := read(); left[0] != at.LSN || int64(len(left)) != r.stats().LSN-at.LSN+1 {
			t.Errorf("%d entries from %d on, the cursor stands at %d", len(left), left[0], at.LSN)
		}
		r.must(feed.Spare(r.ctx, "archive", task.Position{LSN: 1}))
		for _, want := range []bool{true, false} {
			if spared, err := r.log.ForgetArchive(r.ctx, queue, by); spared != want || err != nil {
				t.Errorf("forgot %t, %v, want %t", spared, err, want)
			}
		}
		if _, err := r.log.ForgetArchive(r.ctx, queue, streams.By{}); !errors.Is(err, task.ErrInvalidOption) {
			t.Errorf("forgotten by nobody: %v", err)
		}
		if behind, err = r.log.Reader().Behind(r.ctx, queue); err != nil || len(behind) != 0 {
			t.Errorf("behind %v, %v", behind, err)
		}
		r.trim()
		if left := read(); left[0] == at.LSN {
			t.Error("forgotten, and spared")
		}
		if _, err := r.log.Reader().Feed(r.ctx, queue, 7); err == nil {
			t.Error("a partition that is not there")
		}
	})
}

// What a feed gave out is let go of when nothing is left to read.
func TestFeedLetsGo(t *testing.T) {
	r := onReal(t)
	const each, n = 256 << 10, 64
	for range n {
		r.enqueue(task.Birth{Type: "work", Queue: queue, Payload: make([]byte, each)})
	}
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	feed, err := r.log.Reader().Feed(r.ctx, queue, 0)
	r.must(err)
	got, at := 0, task.Position{}
	for more := true; more; {
		func() {
			page, err := feed.Page(r.ctx, at)
			r.must(err)
			got, at, more = got+len(page.Entries), page.Next, page.More
		}()
	}
	if held := heap() - before; held > each*n/4 || got < n {
		t.Errorf("%d entries read, %d B held", got, held)
	}
	runtime.KeepAlive(feed)
}
