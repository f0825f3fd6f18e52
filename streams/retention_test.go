package streams_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// A queue of several partitions: each has its retention and its hold, and an lsn is
// of one.
func TestRetentionOfPartitions(t *testing.T) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			r := rigOn(t, open(t, b.url(t), streams.Options{Partitions: 3}))
			r.ready(9)
			r.must(r.log.SetRetention(r.ctx, queue, streams.Retention{Bytes: 7}, by))
			all, err := r.log.Reader().Retention(r.ctx, queue)
			r.must(err)
			if d := cmp.Diff([]streams.Retention{{Bytes: 7}, {Bytes: 7}, {Bytes: 7}}, all); d != "" {
				t.Errorf("retention (-want +got):\n%s", d)
			}
			if _, err := r.log.Hold(r.ctx, "case", queue, streams.HoldFrom{LSN: 1}, by); !errors.Is(err, task.ErrInvalidOption) {
				t.Errorf("from an lsn: %v, want %v", err, task.ErrInvalidOption)
			}
			held, err := r.log.Hold(r.ctx, "case", queue, streams.HoldFrom{Time: time.UnixMilli(1)}, by)
			r.must(err)
			listed, err := r.log.Reader().Holds(r.ctx, queue)
			r.must(err)
			if d := cmp.Diff(held, listed); d != "" || len(held) != 3 || held[2].Partition != 2 {
				t.Errorf("holds (-held +listed):\n%s", d)
			}
			r.must(r.db.HDel(r.ctx, r.k.Cursors, "hold:case").Err()) // a release that was stopped in between is repeated
			r.must(r.log.EndHold(r.ctx, "case", queue, by))
			if listed, err = r.log.Reader().Holds(r.ctx, queue); len(listed) != 0 || err != nil {
				t.Errorf("holds %+v, %v", listed, err)
			}
		})
	}
}

// Behind a wall of strangers' entries nobody looks: more is held than was asked for,
// never less, and the hold is listed and released like another.
func TestHoldBehindStrangers(t *testing.T) {
	r := onReal(t)
	r.history(100)
	last := r.stats().NowMs
	r.until("later", func() bool { return r.stats().NowMs > last })
	wall := time.UnixMilli(r.stats().NowMs)
	for range 20 {
		r.must(r.db.Do(r.ctx, "XADD", r.k.Events, "*", "f", "v").Err())
	}
	_, err := r.log.Hold(r.ctx, "case", queue, streams.HoldFrom{Time: wall}, by)
	r.must(err)
	r.history(100)
	r.trim()
	if floor := r.stats().Floor; floor != 1 {
		t.Errorf("floor %d, want 1", floor)
	}
	if all, err := r.log.Reader().Holds(r.ctx, queue); len(all) != 1 || all[0].From.LSN != 1 || err != nil {
		t.Errorf("holds %+v, %v", all, err)
	}
	r.must(r.log.EndHold(r.ctx, "case", queue, by))
}
