package streams_test

import (
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// history makes n tasks that have ended.
func (r *rig) history(n int) {
	r.Helper()
	s := r.join()
	for n > 0 {
		m := min(n, streams.MaxSettle)
		r.settle(s, task.OutcomeSuccess, task.Recorded, r.held(s, m)...)
		n -= m
	}
	r.must(s.Leave(r.ctx))
}

// trim cuts all that was written so far and may go.
func (r *rig) trim() (removed int64) {
	r.Helper()
	start := r.stats().NowMs
	r.until("old enough", func() bool { return r.stats().NowMs > start+2 })
	removed, err := r.log.Trim(r.ctx, queue, 0, "me", streams.Retention{Age: time.Millisecond})
	r.must(err)
	return removed
}

func (r *rig) length(stream string) int64 {
	r.Helper()
	n, err := r.db.XLen(r.ctx, stream).Result()
	r.must(err)
	return n
}

// One call removes everything that may go, though one XTRIM removes 10 000.
func TestTrimRemovesAll(t *testing.T) {
	r := onReal(t).checked()
	r.history(25_000)
	removed := r.trim()
	if left := r.length(r.k.Tasks); left >= 100 || removed < 24_900 {
		t.Errorf("removed %d, %d births are left", removed, left)
	}
	if first := r.stats().Floor; first <= 25_000 {
		t.Errorf("floor %d", first)
	}
}

// Redis cuts the two streams at different places below the floor: a birth is
// left whose end is gone. It is not open, and does not run again.
func TestTrimResidueDoesNotRun(t *testing.T) {
	r := onReal(t)
	r.history(130)
	ready := r.ready(1)[0]
	r.trim()
	births, err := r.db.XRange(r.ctx, r.k.Tasks, "-", "+").Result()
	r.must(err)
	if len(births) < 2 {
		t.Fatal("no residue: the test tests nothing")
	}
	// of the outcomes nothing is left, as if their stream had been cut higher
	last, err := r.db.XRevRangeN(r.ctx, r.k.Events, "+", "-", 1).Result()
	r.must(err)
	r.must(r.db.XTrimMinID(r.ctx, r.k.Events, last[0].ID).Err())
	r.must(r.db.XGroupDestroy(r.ctx, r.k.Tasks, "workers").Err())
	r.wantRun(r.drain(), ready)
	at, err := task.ParsePosition(births[0].ID)
	r.must(err)
	id := task.NewID(r.k.Number, 1, at)
	if st, err := r.log.Reader().Status(r.ctx, id); !errors.Is(err, task.ErrNotFound) {
		t.Errorf("status of a birth without its end: %s, %v, want %v", st.State, err, task.ErrNotFound)
	}
	if c, err := r.log.Cancel(r.ctx, id, by); !errors.Is(err, task.ErrNotFound) {
		t.Errorf("cancel: %d, %v, want %v", c, err, task.ErrNotFound)
	}
}

// Registered cursors hold the log; unregistered they let it go.
func TestTrimSparesCursors(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.checked()
		r.history(300)
		at := r.events()[120].At
		r.must(r.db.HSet(r.ctx, r.k.Cursors, "projector", at.String(), "archive", r.events()[250].At.String()).Err())
		r.trim()
		if floor := r.stats().Floor; floor != at.LSN {
			t.Errorf("floor %d, the cursor stands at %d", floor, at.LSN)
		}
		if e := r.events(); e[len(e)-1].At.LSN != r.stats().LSN {
			t.Error("the end of the log is gone")
		}
		r.must(r.db.HDel(r.ctx, r.k.Cursors, "projector", "archive").Err())
		r.trim()
		if floor := r.stats().Floor; floor <= at.LSN {
			t.Errorf("floor %d, no cursor is left", floor)
		}
	})
}

// Copies are made of what waits and was born below the floor, and end with it.
func TestTrimCopies(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.checked()
		ids := []task.ID{r.later(time.Millisecond), r.later(time.Hour), r.later(time.Hour)}
		r.history(300)
		if n, err := r.db.HLen(r.ctx, r.k.Copies).Result(); n != 0 || err != nil {
			t.Errorf("%d copies before the trim, %v", n, err)
		}
		r.trim()
		if n, err := r.db.HLen(r.ctx, r.k.Copies).Result(); n != 3 || err != nil {
			t.Errorf("%d copies, %v, want 3", n, err)
		}
		r.release(ids[0])
		_, err := r.log.Cancel(r.ctx, ids[1], by)
		r.must(err)
		if n, err := r.db.HLen(r.ctx, r.k.Copies).Result(); n != 1 || err != nil {
			t.Errorf("%d copies, %v, want 1", n, err)
		}
	})
}

// Index chunks below the floor go, those above stay, and nothing is written
// below the floor any more.
func TestTrimDropsChunks(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.checked()
		r.history(10)
		// a far jump of the clock, as an epoch makes it
		r.must(r.db.HSet(r.ctx, r.k.Meta, "token", "0123456789ab.1").Err())
		r.history(10)
		s := r.join()
		held := r.held(s, 1)
		high := held[0].ID.LSN()
		r.history(10)
		for lsn, want := range map[int64]int64{1: 1, high: 1} {
			if n, err := r.db.Exists(r.ctx, r.k.Chunk(lsn)).Result(); n != want || err != nil {
				t.Errorf("chunk of %d: %d, %v, want %d", lsn, n, err, want)
			}
		}
		if n, err := r.db.StrLen(r.ctx, r.k.Chunk(high)).Result(); n != keys.ChunkSlots*keys.SlotBytes || err != nil {
			t.Errorf("a chunk of %d bytes, %v", n, err)
		}
		r.trim()
		for lsn, want := range map[int64]int64{1: 0, high: 1} {
			if n, err := r.db.Exists(r.ctx, r.k.Chunk(lsn)).Result(); n != want || err != nil {
				t.Errorf("chunk of %d after the trim: %d, %v, want %d", lsn, n, err, want)
			}
		}
		r.settle(s, task.OutcomeSuccess, task.Recorded, held...)
		r.trim()
		if n, err := r.db.Exists(r.ctx, r.k.Chunk(1)).Result(); n != 0 || err != nil {
			t.Errorf("the first chunk is back: %d, %v", n, err)
		}
	})
}

// While a lost group is being rebuilt, what is open is not pending yet: no trim
// may take it.
func TestTrimDuringRecovery(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.checked()
		s := r.join()
		held := r.held(s, 3)
		r.history(300)
		r.must(r.db.XGroupDestroy(r.ctx, r.k.Tasks, "workers").Err())
		last, err := r.db.XRevRangeN(r.ctx, r.k.Tasks, "+", "-", 1).Result()
		r.must(err)
		token, err := r.db.HGet(r.ctx, r.k.Meta, "token").Result()
		r.must(err)
		r.must(r.db.Eval(r.ctx, streams.ScriptSource("recover"), []string{r.k.Meta, r.k.Tasks, r.k.Events}, token, last[0].ID, 0, 1).Err())
		r.trim()
		if floor := r.stats().Floor; floor > held[0].Entry.LSN {
			t.Errorf("floor %d, open since %d", floor, held[0].Entry.LSN)
		}
		r.wantRun(r.drain(), held[0].ID, held[1].ID, held[2].ID)
	})
}

// Redis' clock jumps by an hour: what the living hold stays theirs.
func TestClockJumpStealsNothing(t *testing.T) {
	r := onReal(t).checked()
	alive, victim, taker := r.join(), r.join(), r.join()
	before, mine, behind := r.held(alive, 10), r.held(victim, 10), r.held(alive, 10)
	for _, d := range append(before, behind...) { // idle for an hour, by that clock
		r.must(r.db.Do(r.ctx, "XCLAIM", r.k.Tasks, "workers", alive.Name(), 0, d.Entry.String(), "IDLE", 3_600_000, "JUSTID").Err())
	}
	if got := r.reclaim(taker, victim.Name()); len(got) != len(mine) {
		t.Errorf("took %d, want %d", len(got), len(mine))
	}
	held, err := r.db.XPendingExt(r.ctx, &redis.XPendingExtArgs{
		Stream: r.k.Tasks, Group: "workers", Start: "-", End: "+", Count: 100, Consumer: alive.Name(),
	}).Result()
	if err != nil || len(held) != 20 {
		t.Errorf("the living hold %d, %v, want 20", len(held), err)
	}
	r.settle(alive, task.OutcomeSuccess, task.Recorded, append(before, behind...)...)
}

// The other way round: an outcome is left whose release is gone, of a task that
// is open again. The group that is rebuilt then must deliver it.
func TestTrimResidueHidesNothing(t *testing.T) {
	r := onReal(t).checked()
	s := r.join()
	d := r.held(s, 1)[0]
	r.settle(s, task.OutcomeRetry, task.Recorded, d)
	r.release(d.ID)
	again := r.fetch(s, 1)
	r.settle(s, task.HandedBack, task.Recorded, again...)
	r.trim()
	back, err := r.db.XRevRangeN(r.ctx, r.k.Tasks, "+", "-", 1).Result()
	r.must(err)
	r.must(r.db.XTrimMinID(r.ctx, r.k.Tasks, back[0].ID).Err())
	if n := r.length(r.k.Events); n < 2 {
		t.Fatalf("%d events are left: no residue", n)
	}
	r.must(r.db.XGroupDestroy(r.ctx, r.k.Tasks, keys.Group).Err())
	r.wantRun(r.drain(), d.ID)
}
