package streams_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/streams/streamstest"
	"github.com/tidemill/tidemill/task"
)

func replicated(n int) []task.Birth {
	births := make([]task.Birth, n)
	for i := range births {
		births[i] = task.Birth{Type: "work", Queue: queue, Payload: []byte("payload"), Durability: task.Replicated}
	}
	return births
}

// freeze stops the replica from confirming anything, until the test ends or thaw.
func (p *pair) freeze() (thaw func()) {
	p.Helper()
	p.must(p.replica.Signal(syscall.SIGSTOP))
	thaw = sync.OnceFunc(func() { _ = p.replica.Signal(syscall.SIGCONT) })
	p.Cleanup(thaw)
	return thaw
}

// What was acknowledged is at the replica, whether it runs now or later.
func TestReplicated(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	r := newRig(t, p.url, streams.Options{}).checked()
	births := replicated(3)
	births[2].In = time.Hour
	for range 20 {
		r.must(p.client(p.master).ScriptFlush(r.ctx).Err()) // NOSCRIPT in between changes nothing
		ids := r.enqueue(births...)
		n, err := p.client(p.replica).XLen(r.ctx, r.k.Tasks).Result()
		r.must(err)
		last, err := p.client(p.replica).XRevRangeN(r.ctx, r.k.Tasks, "+", "-", 1).Result()
		r.must(err)
		if n == 0 || last[0].ID != ids[1].Birth().String() {
			t.Fatalf("the replica has %v, want %s", last, ids[1].Birth())
		}
		if _, err := p.client(p.replica).ZScore(r.ctx, r.k.Waiting, ids[2].String()).Result(); err != nil {
			t.Fatalf("the replica has no %s: %v", ids[2], err)
		}
	}
}

// A replica that does not confirm: the ids come with the error, the task is there
// and runs, and births that are not to be replicated do not wait.
func TestNotReplicated(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	r := newRig(t, p.url, streams.Options{}).checked()
	r.enqueue(replicated(1)...)
	thaw := p.freeze()
	var wg sync.WaitGroup
	began := time.Now()
	wg.Go(func() {
		got, err := r.log.Enqueue(r.ctx, replicated(300))
		if !errors.Is(err, task.ErrNotReplicated) || errors.Is(err, task.ErrUncertain) || len(got) != streams.MaxItems {
			t.Errorf("%d tasks, %v, want a batch with %v", len(got), err, task.ErrNotReplicated)
			return
		}
		for _, e := range got {
			r.state(e.ID, task.Ready)
		}
		if d := time.Since(began); d < streams.ReplicateWithin || d > 3*streams.ReplicateWithin {
			t.Errorf("told after %s, want %s", d, streams.ReplicateWithin)
		}
	})
	for range 10 {
		at := time.Now()
		r.ready(1)
		if d := time.Since(at); d > streams.ReplicateWithin/2 {
			t.Errorf("a local birth took %s beside one that waits for a replica", d)
		}
	}
	wg.Wait()
	thaw()
	r.until("confirmed again", func() bool {
		_, err := r.log.Enqueue(r.ctx, replicated(1))
		return err == nil
	})
}

// Without any replica it is the same; at mem:// it is refused.
func TestNoReplica(t *testing.T) {
	t.Parallel()
	r := newRig(t, redistest.Start(t, redisproc.Options{}).URL(), streams.Options{}).checked()
	got, err := r.log.Enqueue(r.ctx, replicated(1))
	if !errors.Is(err, task.ErrNotReplicated) || len(got) != 1 {
		t.Errorf("%v, %v, want a task and %v", got, err, task.ErrNotReplicated)
	}
	mem := newRig(t, "mem://", streams.Options{}).checked()
	got, err = mem.log.Enqueue(mem.ctx, append([]task.Birth{{Type: "work", Queue: queue}}, replicated(1)...))
	if !errors.Is(err, task.ErrInvalidOption) || len(got) != 0 || mem.stats().Enqueued != 0 {
		t.Errorf("%v, %v, want nothing and %v", got, err, task.ErrInvalidOption)
	}
}

// Many who enqueue share the waits, and each gets a task of its own.
func TestReplicatedTogether(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	r := newRig(t, p.url, streams.Options{}).checked()
	r.enqueue(replicated(1)...)
	before := p.calls("wait")
	const callers, each = 64, 20
	var mu sync.Mutex
	seen := map[task.ID]bool{}
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range each {
				got, err := r.log.Enqueue(r.ctx, replicated(1))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				seen[got[0].ID] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != callers*each {
		t.Errorf("%d tasks, want %d", len(seen), callers*each)
	}
	if n := p.calls("wait") - before; n > callers*each/4 {
		t.Errorf("%d waits for %d tasks of %d callers", n, callers*each, callers)
	}
}

// calls is how often the master was asked a command.
func (p *pair) calls(command string) (n int) {
	p.Helper()
	text, err := p.client(p.master).Info(p.Context(), "commandstats").Result()
	p.must(err)
	if at := indexAfter(text, "cmdstat_"+command+":calls="); at >= 0 {
		_, _ = fmt.Sscanf(text[at:], "%d", &n)
	}
	return n
}

// A lost reply: the repeat writes nothing, and still what it answers is replicated.
func TestReplicatedAfterALostReply(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	r := newRig(t, p.url, streams.Options{}).checked()
	r.enqueue(replicated(1)...)
	p.proxy.loseReplies("enqueue", 2)
	ids := r.enqueue(replicated(1)...)
	if p.proxy.count() != 2 {
		t.Fatalf("%d replies were lost, want 2", p.proxy.count())
	}
	at, err := p.client(p.replica).XRangeN(r.ctx, r.k.Tasks, ids[0].Birth().String(), "+", 1).Result()
	if err != nil || len(at) != 1 {
		t.Errorf("the replica has %v, %v, want %s", at, err, ids[0].Birth())
	}
	if n := r.stats().Enqueued; n != 2 {
		t.Errorf("%d tasks, want 2", n)
	}
	p.freeze()
	p.proxy.loseReplies("enqueue", 1) // the first connection waits for nobody; the second wrote nothing
	got, err := r.log.Enqueue(r.ctx, replicated(1))
	if !errors.Is(err, task.ErrNotReplicated) || len(got) != 1 || p.proxy.count() != 1 {
		t.Errorf("%v, %v after %d lost replies, want a task and %v", got, err, p.proxy.count(), task.ErrNotReplicated)
	}
}

// Promotions that lose a tail, and births before, in and after it: what was
// acknowledged as replicated is still there.
func TestReplicatedSurvivesAPromotion(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	r := newRig(t, p.url, streams.Options{})
	var mu sync.Mutex
	var safe, unsafe []task.ID
	var wg sync.WaitGroup
	ctx, stop := context.WithCancel(r.ctx)
	defer stop()
	for range 16 {
		wg.Go(func() {
			for ctx.Err() == nil {
				got, err := r.log.Enqueue(r.ctx, replicated(3))
				mu.Lock()
				for _, e := range got {
					if err == nil {
						safe = append(safe, e.ID)
					} else {
						unsafe = append(unsafe, e.ID)
					}
				}
				mu.Unlock()
				if err != nil { // after the promotion there is no replica
					return
				}
			}
		})
	}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(safe)
	}
	r.until("some are in", func() bool { return count() > 500 })
	p.promote(func() { r.ready(50) })
	r.until("all were told", func() bool { stop(); wg.Wait(); return true })
	for _, id := range safe {
		if _, err := r.log.Reader().Status(r.ctx, id); err != nil {
			t.Fatalf("acknowledged as replicated: %v", err)
		}
	}
	if len(unsafe) == 0 {
		t.Errorf("%d were replicated and none was not, after the replica had gone", len(safe))
	}
	streamstest.Check(t, r.log, queue)
}
