package streams_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// lossy is a log behind a proxy that loses replies.
type lossy struct {
	*rig
	proxy *proxy
}

func newLossy(t *testing.T) *lossy {
	t.Helper()
	t.Parallel()
	p, url := newProxy(t)
	return &lossy{newRig(t, url, streams.Options{}).checked(), p}
}

// losing runs what calls a script whose first replies get lost, and makes sure
// that they were.
func (l *lossy) losing(script string, call func()) {
	l.Helper()
	const n = 2
	l.proxy.loseReplies(script, n)
	call()
	if got := l.proxy.count(); got != n {
		l.Errorf("%d replies of %s were lost, want %d", got, script, n)
	}
}

func TestLostReplyOfEnqueue(t *testing.T) {
	l := newLossy(t)
	l.ready(1)
	var ids []task.ID
	l.losing("enqueue", func() { ids = l.ready(3) })
	for _, id := range ids {
		l.state(id, task.Ready)
	}
	var later task.ID
	l.losing("enqueue", func() { later = l.later(time.Hour) })
	l.state(later, task.Waiting)
	if n := l.stats().Enqueued; n != 5 {
		l.Errorf("enqueued %d, want 5", n)
	}
	b := task.Birth{Type: "work", Queue: queue, Key: "k"}
	l.losing("enqueue", func() {
		got, err := l.log.Enqueue(l.ctx, []task.Birth{b})
		l.must(err)
		if got[0].Existing {
			l.Error("a repeat takes its own task for an older one")
		}
	})
}

func TestLostReplyOfSettle(t *testing.T) {
	l := newLossy(t)
	s := l.join()
	ds := l.held(s, 4)
	l.settle(s, task.OutcomeSuccess, task.Recorded, ds[3])
	l.losing("settle", func() { l.settle(s, task.OutcomeSuccess, task.Recorded, ds[:2]...) })
	l.losing("settle", func() { l.settle(s, task.OutcomeRetry, task.Recorded, ds[2]) })
	if ok, retried := l.count(task.OutcomeSuccess), l.count(task.OutcomeRetry); ok != 3 || retried != 1 {
		l.Errorf("%d successes, %d retries, want 3, 1", ok, retried)
	}
}

// A lost reply of a reclaim is no second page in its place: the caller is told,
// and a sweep finds the page.
func TestLostReplyOfReclaim(t *testing.T) {
	l := newLossy(t)
	a, b := l.join(), l.join()
	l.held(a, 300)
	l.reclaim(b, "nobody") // so that the server knows the script
	seen, err := b.Observe(l.ctx, true)
	l.must(err)
	l.proxy.loseReplies("reclaim", 1)
	if _, _, err := b.Reclaim(l.ctx, a.Name(), seen[a.Name()]); err == nil {
		l.Error("a page was lost without an error")
	}
	found, err := b.Sweep(l.ctx, func(task.Position) bool { return false })
	l.must(err)
	if n := len(found.Deliveries) + len(l.reclaim(b, a.Name())); n != 300 {
		l.Errorf("found %d, want 300", n)
	}
	l.settle(b, task.OutcomeSuccess, task.Recorded, found.Deliveries...)
}

func TestLostReplyOfConsumer(t *testing.T) {
	l := newLossy(t)
	a := l.join()
	l.losing("join", func() { l.nothing(l.join()) })
	b := l.join()
	l.held(a, 2)
	ds := l.reclaim(b, a.Name())
	_, _, err := b.Renew(l.ctx, nil)
	l.must(err)
	l.losing("renew", func() { _, _, err = b.Renew(l.ctx, []task.ID{ds[0].ID}) })
	l.must(err)
	_, err = b.Charge(l.ctx, []*task.Delivery{&ds[0]})
	l.must(err)
	l.losing("charge", func() {
		held, err := b.Charge(l.ctx, []*task.Delivery{&ds[1]})
		if l.must(err); !held[0] || ds[1].Count != 3 {
			l.Errorf("held %v, count %d, want 3", held, ds[1].Count)
		}
	})
	l.settle(b, task.OutcomeSuccess, task.Recorded, ds...)
	c := l.join()
	l.must(c.Leave(l.ctx))
	l.losing("leave", func() { l.must(b.Leave(l.ctx)) })
}

func TestLostReplyOfOperator(t *testing.T) {
	l := newLossy(t)
	s := l.join()
	ds := l.held(s, 4)
	l.settle(s, task.OutcomeDead, task.Recorded, ds[:3]...)
	cancel := func(id task.ID, want streams.Cancelled) {
		got, err := l.log.Cancel(l.ctx, id, by)
		if l.must(err); got != want {
			l.Errorf("cancel: %d, want %d", got, want)
		}
	}
	cancel(l.later(time.Hour), streams.CancelDone)
	l.losing("cancel", func() { cancel(l.later(time.Hour), streams.CancelDone) })
	l.losing("cancel", func() { cancel(l.ready(1)[0], streams.CancelDone) })
	l.losing("cancel", func() { cancel(ds[3].ID, streams.CancelRequested) })
	l.must(l.log.Requeue(l.ctx, ds[0].ID, by))
	l.losing("requeue", func() { l.must(l.log.Requeue(l.ctx, ds[1].ID, by)) })
	l.must(l.log.Pause(l.ctx, queue, by))
	l.losing("pause", func() { l.must(l.log.Resume(l.ctx, queue, by)) })
	_, err := l.log.Purge(l.ctx, []task.ID{ds[3].ID}, by)
	l.must(err)
	l.losing("purge", func() { _, err = l.log.Purge(l.ctx, []task.ID{ds[2].ID}, by) })
	l.must(err)
	want := map[task.Kind]int{task.OutcomeCancel: 2 + 1, task.CancelRequested: 1, task.Requeued: 2, task.PurgedDead: 1, task.Resumed: 1}
	for k, n := range want {
		if got := l.count(k); got != n {
			l.Errorf("%d events %s, want %d", got, k, n)
		}
	}
}

func TestLostReplyOfRelease(t *testing.T) {
	l := newLossy(t)
	l.release(l.later(time.Millisecond))
	id := l.later(time.Millisecond)
	z, err := l.log.Waiting(l.ctx, queue, 0)
	l.must(err)
	defer z.Close()
	l.until("due", func() bool { return l.stats().NowMs > id.Birth().Ms+1 })
	l.losing("release", func() { _, _, _, err = z.Release(l.ctx, []task.ID{id}) })
	l.must(err)
	if n := l.count(task.Released); n != 2 {
		l.Errorf("%d releases, want 2", n)
	}
}

func TestLostReplyOfTrim(t *testing.T) {
	l := newLossy(t)
	s := l.join()
	waiting := l.later(time.Hour)
	trim := func() {
		start := l.stats().NowMs
		l.until("old enough", func() bool { return l.stats().NowMs > start+2 })
		_, err := l.log.Trim(l.ctx, queue, 0, "me", streams.Retention{Age: time.Millisecond})
		l.must(err)
	}
	l.settle(s, task.OutcomeSuccess, task.Recorded, l.held(s, 200)...)
	trim()
	l.settle(s, task.OutcomeSuccess, task.Recorded, l.held(s, 200)...)
	l.losing("trim", trim)
	if n := l.count(task.Trimmed); n != 1 { // the first is below the floor of the second
		l.Errorf("%d trims from the floor on, want 1", n)
	}
	if st := l.state(waiting, task.Waiting); string(st.Payload) != "payload" {
		l.Errorf("status %+v", st)
	}
}

// A caller whose context ends while replies get lost is told that nobody knows.
func TestLostRepliesUntilTheEnd(t *testing.T) {
	l := newLossy(t)
	s := l.join()
	d := l.held(s, 2)
	l.settle(s, task.OutcomeSuccess, task.Recorded, d[0])
	l.proxy.loseReplies("settle", 1<<30)
	ctx, cancel := context.WithTimeout(l.ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := s.Settle(ctx, outcomes(task.OutcomeSuccess, d[1:])); !errors.Is(err, task.ErrUncertain) {
		l.Errorf("got %v, want %v", err, task.ErrUncertain)
	}
	l.proxy.loseReplies("settle", 0)
	l.settle(s, task.OutcomeSuccess, task.Gone, d[1])
	if n := l.count(task.OutcomeSuccess); n != 2 {
		l.Errorf("%d successes, want 2", n)
	}
}

// Replies of what mends a partition get lost: an epoch is opened once, a group
// rebuilt once, and nothing that is open is forgotten.
func TestLostReplyOfMending(t *testing.T) {
	l := newLossy(t)
	w := l.work()
	other := l.ready(300)
	l.must(l.db.HSet(l.ctx, l.k.Meta, "token", "0123456789ab.1.1").Err())
	l.losing("epoch", func() { l.stats() })
	if n := l.count(task.EpochStarted); n != 2 {
		l.Errorf("%d epochs, want 2", n)
	}
	l.must(l.db.XGroupDestroy(l.ctx, l.k.Tasks, "workers").Err())
	l.stats() // so that the server knows the script
	l.must(l.db.XGroupDestroy(l.ctx, l.k.Tasks, "workers").Err())
	l.losing("recover", func() { l.stats() })
	if n := l.count(task.Recovered); n != 2 {
		l.Errorf("recovered %d times, want 2", n)
	}
	l.wantRun(l.drain(), append(other, w.running, w.ready)...)
}
