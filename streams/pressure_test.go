package streams_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// tight trims to next to nothing, whoever has the role.
func (r *rig) tight(l *streams.Log, who string) {
	r.Helper()
	if err := r.db.Del(r.ctx, r.k.Role("trimmer")).Err(); err != nil {
		r.Error(err)
	}
	if _, err := l.Trim(r.ctx, queue, 0, who, streams.Retention{Bytes: 1}); err != nil {
		r.Error(err)
	}
}

// mark is what enqueue reads; the zero time takes it away.
func (r *rig) mark(at time.Time) {
	r.Helper()
	if at.IsZero() {
		r.must(r.db.HDel(r.ctx, r.k.Meta, "full").Err())
		return
	}
	r.must(r.db.HSet(r.ctx, r.k.Meta, "full", fmt.Sprint(at.UnixMilli(), " archive")).Err())
}

// refused: the log takes no births, for the archive's sake.
func (r *rig) refused() {
	r.Helper()
	var full *task.Backpressure
	got, err := r.log.Enqueue(r.ctx, []task.Birth{{Type: "work", Queue: queue}})
	if !errors.As(err, &full) || full.Reason != "archive" || len(got) != 0 {
		r.Errorf("enqueue: %v, %v, want back-pressure of the archive", got, err)
	}
}

// A mark that nobody renews ends after a minute, and so does one from a clock that
// was ahead.
func TestFullEnds(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.checked()
		r.ready(1)
		for since, full := range map[time.Duration]bool{0: true, 55 * time.Second: true, time.Minute: false, time.Hour: false, -55 * time.Second: true, -65 * time.Second: false} {
			now, err := r.log.Reader().Now(r.ctx)
			r.must(err)
			r.mark(now.Add(-since))
			why, err := r.log.Reader().Full(r.ctx, queue)
			r.must(err)
			if (why == "archive") != full {
				r.Errorf("marked %s ago: full %q, want %t", since, why, full)
			}
			if full {
				r.refused()
			} else {
				r.ready(1)
			}
		}
	})
}

// A batch that was in before the mark is answered from the session: a lost reply is
// no refusal. What is refused takes its number along.
func TestFullAnswersRepeats(t *testing.T) {
	onBoth(t, func(r *rig) {
		r.checked()
		births := []task.Birth{{Type: "a", Queue: queue}, {Type: "a", Queue: queue, Key: "k"}}
		first, err := r.log.Enqueue(r.ctx, births)
		r.must(err)
		now, err := r.log.Reader().Now(r.ctx)
		r.must(err)
		r.mark(now)
		r.must(r.log.RepeatBatch(r.ctx, queue, false))
		again, err := r.log.Enqueue(r.ctx, births)
		r.must(err)
		if d := cmp.Diff(first, again); d != "" {
			r.Errorf("ids (-first +again):\n%s", d)
		}
		for range 3 {
			r.refused()
		}
		r.mark(time.Time{})
		r.ready(2)
		if n := r.stats().Enqueued; n != 4 {
			r.Errorf("enqueued %d, want 4", n)
		}
	})
}

// Lost replies of what trim and operators ask change nothing.
func TestLostReplyOfRetention(t *testing.T) {
	l := newLossy(t)
	l.history(300)
	feed, err := l.log.Reader().Feed(l.ctx, queue, 0)
	l.must(err)
	if spared, err := l.log.ForgetArchive(l.ctx, queue, by); spared || err != nil { // the server knows the script then
		l.Fatalf("forgot %t, %v, and there is no archive", spared, err)
	}
	l.must(feed.Spare(l.ctx, "archive", l.events()[20].At))
	l.losing("pressure", func() { l.tight(l.log, "me") })
	l.refused()
	l.losing("spare", func() {
		if spared, err := l.log.ForgetArchive(l.ctx, queue, by); spared || err != nil {
			l.Errorf("forgot %t, %v, want that the repeat finds nothing", spared, err)
		}
	})
	if n := l.count(task.RetentionSet); n != 1 {
		l.Errorf("%d events of it, want one", n)
	}
	l.losing("pressure", func() { l.tight(l.log, "me") })
	l.ready(1)
	l.losing("retention", func() { l.must(l.log.SetRetention(l.ctx, queue, streams.Retention{Age: time.Hour}, by)) })
	l.losing("spare", func() {
		_, err := l.log.Hold(l.ctx, "case", queue, streams.HoldFrom{LSN: l.stats().LSN}, by)
		l.must(err)
	})
	if n := l.count(task.RetentionSet); n != 2 { // that of the archive is trimmed
		l.Errorf("%d events, want 2", n)
	}
	l.proxy.loseReplies("spare", 1) // the repeat finds it released, as another's call would
	if err := l.log.EndHold(l.ctx, "case", queue, by); !errors.Is(err, task.ErrNotFound) {
		l.Errorf("release: %v, want %v", err, task.ErrNotFound)
	}
	if n := l.count(task.RetentionSet); n != 3 {
		l.Errorf("%d events, want 3", n)
	}
}

// Two trim at once, while the archive comes on by fits and starts, producers go on
// whenever they may, and workers drain: nothing beyond the cursor is trimmed, and in
// the end all go on by themselves.
func TestTwoTrimmersAndAnArchive(t *testing.T) {
	r := onReal(t).checked()
	o := streams.Options{Namespace: namespaceOf(r)}
	r.history(50)
	feed, err := r.log.Reader().Feed(r.ctx, queue, 0)
	r.must(err)
	cursor := r.events()[0].At
	r.must(feed.Spare(r.ctx, "archive", cursor))
	a, b := open(t, redistest.URL(t), o), open(t, redistest.URL(t), o)
	s := r.join()
	var refusals, tasks int
	for round := range 30 {
		var wg sync.WaitGroup
		for who, l := range map[string]*streams.Log{"a": a, "b": b} {
			wg.Go(func() { r.tight(l, who) })
		}
		got, err := r.log.Enqueue(r.ctx, []task.Birth{{Type: "work", Queue: queue}, {Type: "work", Queue: queue}})
		switch {
		case errors.Is(err, task.ErrBackpressure):
			refusals++
		case err != nil:
			r.Fatal(err)
		}
		tasks += len(got)
		if ds := r.fetch(s, len(got)); len(ds) > 0 {
			r.settle(s, task.OutcomeSuccess, task.Recorded, ds...)
		}
		wg.Wait()
		if floor := r.stats().Floor; floor > cursor.LSN {
			r.Fatalf("floor %d, the archive stands at %d", floor, cursor.LSN)
		}
		if round%10 == 9 { // it catches up
			all := r.events()
			cursor = all[len(all)-1].At.Next()
			r.must(feed.Spare(r.ctx, "archive", cursor))
		}
	}
	r.tight(a, "a")
	r.ready(1)
	if refusals == 0 || tasks == 0 {
		r.Errorf("%d refusals, %d tasks: the test tests nothing", refusals, tasks)
	}
	if n := r.stats().Succeeded; n != int64(50+tasks) {
		r.Errorf("%d succeeded, want %d", n, 50+tasks)
	}
}

// A hold that is registered while others trim, a page a call: what it said it holds
// is there.
func TestHoldWhileTrimming(t *testing.T) {
	r := onReal(t).checked()
	births := make([]task.Birth, 600) // more than a page to copy
	for i := range births {
		births[i] = task.Birth{Type: "work", Queue: queue, In: time.Hour}
	}
	other := open(t, redistest.URL(t), streams.Options{Namespace: namespaceOf(r)})
	plan := func() string { return r.db.HGet(r.ctx, r.k.Meta, "plan").Val() }
	late := 0
	for round := range 21 {
		name := fmt.Sprint("case-", round)
		r.enqueue(births...)
		r.history(100)
		middle, before := r.stats().LSN-100, plan()
		var wg sync.WaitGroup
		wg.Go(func() { r.tight(other, "other") })
		switch round % 3 {
		case 1:
			r.until("it has planned", func() bool { return plan() != before })
		case 2:
			wg.Wait()
		}
		all, err := r.log.Hold(r.ctx, name, queue, streams.HoldFrom{LSN: middle}, by)
		r.must(err)
		wg.Wait()
		h := all[0]
		if h.From.LSN > middle {
			late++
		}
		r.tight(other, "other")
		if floor, first := r.stats().Floor, r.events()[0].At.LSN; floor > h.From.LSN || first > h.From.LSN {
			r.Fatalf("round %d: floor %d, the log begins at %d, held from %d", round, floor, first, h.From.LSN)
		}
		r.must(r.log.EndHold(r.ctx, name, queue, by))
	}
	if late == 0 || late == 21 {
		r.Errorf("%d of 21 holds came after the trim: the test tests nothing", late)
	}
}
