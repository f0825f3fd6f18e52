package streams_test

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/streams/streamstest"
	"github.com/tidemill/tidemill/task"
)

// pair is a master with its replica, and an address that leads to either, as a
// sentinel or a load balancer would.
type pair struct {
	*testing.T
	master, replica *redisproc.Proc
	url             string
	proxy           *proxy
}

func newPair(t *testing.T) *pair {
	t.Helper()
	o := redisproc.Options{TCP: true, Args: []string{"--repl-diskless-sync-delay", "0"}}
	p := &pair{T: t, master: redistest.Start(t, o), replica: redistest.Start(t, o)}
	host, port, err := net.SplitHostPort(p.address(p.master))
	p.must(err)
	p.must(p.client(p.replica).ReplicaOf(t.Context(), host, port).Err())
	p.inSync()
	p.proxy, p.url = newProxy(t)
	p.lead(p.master)
	return p
}

func (p *pair) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p *pair) address(s *redisproc.Proc) string {
	o, err := redis.ParseURL(s.URL())
	p.must(err)
	return o.Addr
}

func (p *pair) client(s *redisproc.Proc) *redis.Client {
	o, err := redis.ParseURL(s.URL())
	p.must(err)
	o.Protocol = 2
	c := redis.NewClient(o)
	p.Cleanup(func() { c.Close() })
	return c
}

// lead makes new connections lead to a server.
func (p *pair) lead(s *redisproc.Proc) {
	p.proxy.mu.Lock()
	defer p.proxy.mu.Unlock()
	p.proxy.network, p.proxy.addr = "tcp", p.address(s)
}

// inSync waits until the replica has everything: WAIT is about the connection
// that wrote last.
func (p *pair) inSync() {
	p.Helper()
	c := p.client(p.master).Conn()
	defer c.Close()
	(&rig{T: p.T}).until("replica in sync", func() bool {
		p.must(c.Incr(p.Context(), "something").Err())
		n, err := c.Wait(p.Context(), 1, 100*time.Millisecond).Result()
		p.must(err)
		return n == 1
	})
}

// promote loses what is written between freeze and the death of the master: a
// frozen replica alone loses nothing, because the socket's buffer replays.
func (p *pair) promote(lost func()) {
	p.Helper()
	p.inSync()
	p.must(p.replica.Signal(syscall.SIGSTOP))
	p.must(p.client(p.master).ClientKillByFilter(p.Context(), "TYPE", "replica").Err())
	lost()
	p.must(p.master.Kill())
	p.must(p.replica.Signal(syscall.SIGCONT))
	p.must(p.client(p.replica).ReplicaOf(p.Context(), "no", "one").Err())
	p.lead(p.replica)
}

// A promotion loses a tail that was acknowledged. The first script says so, no
// lsn is used twice, and a delivery of the lost tail is nobody's any more.
func TestPromotionThatLosesATail(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	var mu sync.Mutex
	var told []streams.Rewind
	r := newRig(t, p.url, streams.Options{Rewound: func(w streams.Rewind) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, w)
	}})
	s := r.join()
	kept, ready := r.held(s, 2), r.ready(1)[0]
	survived := r.stats().LSN
	var lost []task.ID
	var delivered []task.Delivery
	p.promote(func() {
		delivered = r.fetch(s, 1)
		r.settle(s, task.OutcomeSuccess, task.Recorded, kept[0])
		lost = r.ready(20)
		delivered = append(delivered, r.fetch(s, 1)...)
	})
	acked := lost[len(lost)-1].LSN()
	fresh := r.ready(1)[0]
	mu.Lock()
	if len(told) != 1 || told[0].Survived != survived || told[0].Known != acked {
		t.Errorf("told %v, want a loss from %d to %d", told, survived, acked)
	}
	mu.Unlock()
	if fresh.LSN() <= acked {
		t.Errorf("lsn %d is used again, %d was acknowledged", fresh.LSN(), acked)
	}
	// the outcome was lost, the delivery was not: the same answer as at first
	r.settle(s, task.OutcomeSuccess, task.Recorded, kept...)
	// the delivery was lost: it is given to another, and was only the other's
	other := r.join()
	again := r.fetch(other, 2)
	if again[0].ID != ready || again[1].ID != fresh {
		t.Errorf("delivered %s, %s, want %s, %s", again[0].ID, again[1].ID, ready, fresh)
	}
	r.settle(s, task.OutcomeSuccess, task.Taken, delivered[0])
	r.settle(s, task.OutcomeSuccess, task.Gone, delivered[1])
	r.settle(other, task.OutcomeSuccess, task.Recorded, again...)
	if n := r.count(task.EpochStarted); n != 2 {
		t.Errorf("%d epochs, want 2", n)
	}
	r.cause("promotion", survived, acked)
	streamstest.Check(t, r.log, queue)
}

// cause looks for the epoch event that tells the missing range.
func (r *rig) cause(want string, survived, known int64) {
	r.Helper()
	for _, e := range r.events() {
		if e.Kind == task.EpochStarted && e.Reason == want {
			var n [4]string
			rest := string(e.Extra)
			for i := range n {
				var size int
				fmt.Sscanf(rest, "%d:", &size)
				at := indexAfter(rest, ":")
				n[i], rest = rest[at:at+size], rest[at+size:]
			}
			if n[2] != fmt.Sprint(survived) || n[3] != fmt.Sprint(known) || n[0] == n[1] {
				r.Errorf("epoch %q, want survived %d, known %d", e.Extra, survived, known)
			}
			return
		}
	}
	r.Errorf("no epoch caused by %s", want)
}

// Two promotions, and a reclaim across one: nothing that was recorded twice,
// nothing that survived is lost.
func TestPromotionAndReclaim(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	r := newRig(t, p.url, streams.Options{})
	a, b := r.join(), r.join()
	ds := r.held(a, 4)
	var taken []task.Delivery
	p.promote(func() {
		taken = r.reclaim(b, a.Name()) // is lost: a is not fenced in the new life
		r.settle(b, task.OutcomeSuccess, task.Recorded, taken[0])
	})
	r.settle(a, task.OutcomeSuccess, task.Recorded, ds[:2]...)
	r.settle(b, task.OutcomeSuccess, task.Taken, taken[2:]...)
	r.settle(b, task.OutcomeSuccess, task.Gone, taken[:2]...)
	r.settle(a, task.OutcomeSuccess, task.Recorded, ds[2:]...)
	streamstest.Check(t, r.log, queue)
}

// A restart that loses nothing: sessions go on, what had ended does not run
// again, and the log says what happened.
func TestRestartWithAOF(t *testing.T) {
	t.Parallel()
	proc := redistest.Start(t, redisproc.Options{Args: []string{"--appendonly", "yes", "--appendfsync", "everysec"}})
	var told []streams.Rewind
	r := newRig(t, proc.URL(), streams.Options{Rewound: func(w streams.Rewind) { told = append(told, w) }}).checked()
	w := r.work()
	before := r.stats()
	for range 2 {
		r.written()
		r.must(proc.Restart(t.Context()))
	}
	if _, _, err := w.s.Renew(t.Context(), nil); err != nil {
		t.Errorf("renew: %v", err)
	}
	r.settle(w.s, task.OutcomeSuccess, task.Recorded, w.delivery)
	w.s.Repeat()
	r.settle(w.s, task.OutcomeSuccess, task.Recorded, w.delivery)
	if len(told) != 0 {
		t.Errorf("told %v, nothing was lost", told)
	}
	if id := r.ready(1)[0]; id.LSN() < before.LSN+1<<28 {
		t.Errorf("lsn %d after %d", id.LSN(), before.LSN)
	}
	got := r.drain()
	if len(got) != 2 || got[w.ready] != 1 {
		t.Errorf("ran %v, want %s and the new one", got, w.ready)
	}
	r.cause("restart", before.LSN, r.known(w))
	r.state(w.done, task.Succeeded)
	r.state(w.waiting, task.Waiting)
}

// written waits until the kernel has all that was acknowledged: everysec answers first
// while an fsync is slow, and a kill takes what it has not written.
func (r *rig) written() {
	r.Helper()
	r.until("the append-only file is written", func() bool {
		info, err := r.db.Info(r.ctx, "persistence").Result()
		r.must(err)
		return strings.Contains(info, "\naof_buffer_length:0\r\n")
	})
}

// known is the highest lsn this process was told of before the restart: of the
// last batch, since a look at the numbers acknowledges nothing.
func (r *rig) known(w worked) int64 { return max(w.ready.LSN(), w.waiting.LSN()) }

// A restart without any persistence is a flush, and everything is told lost.
func TestRestartWithoutPersistence(t *testing.T) {
	t.Parallel()
	proc := redistest.Start(t, redisproc.Options{})
	var told []streams.Rewind
	r := newRig(t, proc.URL(), streams.Options{Rewound: func(w streams.Rewind) { told = append(told, w) }}).checked()
	w := r.work()
	r.must(proc.Restart(t.Context()))
	id := r.ready(1)[0]
	if len(told) != 1 || told[0].Survived != 0 || id.LSN() <= r.known(w) {
		t.Errorf("told %v, new lsn %d after %d", told, id.LSN(), r.known(w))
	}
	r.wantRun(r.drain(), id)
}

// indexAfter is where s goes on after sep, or -1.
func indexAfter(s, sep string) int {
	for i := range len(s) - len(sep) + 1 {
		if s[i:i+len(sep)] == sep {
			return i + len(sep)
		}
	}
	return -1
}
