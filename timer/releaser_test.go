package timer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemill/tidemill/task"
)

const beat = 3 * time.Second // the heartbeat of every releaser here

// store is a zset in memory, with a clock that may be set.
type store struct {
	mu       sync.Mutex // guards what follows
	skew     time.Duration
	due      map[task.ID]int64
	released map[task.ID]int64 // when, by the store's clock
	asks     []ask             // calls of Release
	reads    int
	holder   string
	until    time.Time
	fail     func(op string) error

	wake   chan struct{} // cap 1: the token
	closed chan struct{}
	once   sync.Once
}

// ask is one call of Release.
type ask struct{ n, released int }

var errDown = errors.New("store is down")

func newStore() *store {
	return &store{
		due: map[task.ID]int64{}, released: map[task.ID]int64{},
		wake: make(chan struct{}, 1), closed: make(chan struct{}),
	}
}

func (s *store) nowLocked() int64 { return time.Now().Add(s.skew).UnixMilli() }

func (s *store) failLocked(op string) error {
	if s.fail == nil {
		return nil
	}
	return s.fail(op)
}

func (s *store) Upcoming(_ context.Context, limit int) ([]task.Due, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.failLocked("upcoming"); err != nil {
		return nil, 0, err
	}
	s.reads++
	all := s.soonestLocked()
	return all[:min(limit, len(all))], s.nowLocked(), nil
}

func (s *store) soonestLocked() []task.Due {
	all := make([]task.Due, 0, len(s.due))
	for id, ms := range s.due {
		all = append(all, task.Due{ID: id, Ms: ms})
	}
	slices.SortFunc(all, func(a, b task.Due) int {
		return cmp.Or(cmp.Compare(a.Ms, b.Ms), slices.Compare(a.ID[:], b.ID[:]))
	})
	return all
}

func (s *store) Release(_ context.Context, ids []task.ID) (released int, next, now int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.failLocked("release"); err != nil {
		return 0, 0, 0, err
	}
	now = s.nowLocked()
	for _, id := range ids {
		if due, ok := s.due[id]; ok && due <= now {
			delete(s.due, id)
			s.released[id] = now
			released++
		}
	}
	s.asks = append(s.asks, ask{len(ids), released})
	if all := s.soonestLocked(); len(all) > 0 {
		next = all[0].Ms
	}
	return released, next, now, nil
}

func (s *store) Wake(ctx context.Context, d time.Duration) (bool, error) {
	s.mu.Lock()
	err := s.failLocked("wake")
	s.mu.Unlock()
	if err != nil {
		return false, err
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-s.wake:
		return true, nil
	case <-t.C:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	case <-s.closed:
		return false, errDown
	}
}

func (s *store) Hold(_ context.Context, _, who string, ttl time.Duration) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.failLocked("hold"); err != nil {
		return false, err
	}
	if s.holder != who && time.Now().Before(s.until) {
		return false, nil
	}
	s.holder, s.until = who, time.Now().Add(ttl)
	return true, nil
}

func (s *store) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// add makes a task wait for d, without a word to the releaser.
func (s *store) add(n int64, d time.Duration) task.Due {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := task.Due{ID: task.NewID(0, 1, task.Position{Ms: 1, LSN: n}), Ms: s.nowLocked() + d.Milliseconds()}
	s.due[w.ID] = w.Ms
	return w
}

func (s *store) token() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// set changes something under the lock.
func (s *store) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *store) calls() (asks []ask, reads int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asks), s.reads
}

// done is what was released so far, and when.
func (s *store) done() map[task.ID]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.released)
}

// run starts a releaser of the bubble's store and stops it with the test.
func (s *store) run(t *testing.T, o Options) {
	t.Helper()
	o.Name, o.Heartbeat = cmp.Or(o.Name, "me"), beat
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- NewReleaser(s, o).Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		<-s.closed
	})
}

// expectReleased checks when a task was released, in ms after its due.
func (s *store) expectReleased(t *testing.T, w task.Due, atMost time.Duration) {
	t.Helper()
	at, ok := s.done()[w.ID]
	if late := at - w.Ms; !ok || late < 0 || late > atMost.Milliseconds() {
		t.Errorf("task %d: released %v, %d ms late, want 0 to %d", w.ID.LSN(), ok, late, atMost.Milliseconds())
	}
}

// TestSleepsExactly also starts between two milliseconds: the clock of the store
// counts whole ones.
func TestSleepsExactly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(300 * time.Microsecond)
		s := newStore()
		var due []task.Due
		for i, d := range []time.Duration{1, 2, 5, 999, 1000, 2999, 3000, 3001, 7123, 60_000} {
			due = append(due, s.add(int64(i+1), d*time.Millisecond))
		}
		s.run(t, Options{})
		time.Sleep(61 * time.Second)
		synctest.Wait()
		for _, w := range due {
			s.expectReleased(t, w, time.Millisecond)
		}
		asks, reads := s.calls()
		for _, a := range asks {
			if a.released != a.n {
				t.Errorf("asked for %d, got %d: too early", a.n, a.released)
			}
		}
		if len(asks) != len(due) {
			t.Errorf("%d calls of release for %d tasks with times of their own", len(asks), len(due))
		}
		if want := 1 + int(61*time.Second/beat); reads > want {
			t.Errorf("the store was read %d times, want at most %d: once a heartbeat", reads, want)
		}
	})
}

func TestWakeUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		s.add(1, time.Hour)
		s.run(t, Options{})
		time.Sleep(100 * time.Millisecond)
		sooner := s.add(2, 50*time.Millisecond)
		s.token()
		time.Sleep(time.Second)
		synctest.Wait()
		s.expectReleased(t, sooner, time.Millisecond)
	})
}

// TestHeartbeat: where nothing waited, a lost wake-up costs three heartbeats, not the
// task; where something does, one.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		s.run(t, Options{})
		time.Sleep(100 * time.Millisecond)
		silent := s.add(1, 50*time.Millisecond)
		time.Sleep(idleBeats*beat + time.Second)
		synctest.Wait()
		s.expectReleased(t, silent, idleBeats*beat)
		s.add(2, time.Hour)
		s.token()
		time.Sleep(100 * time.Millisecond)
		silent = s.add(3, 50*time.Millisecond)
		time.Sleep(beat + time.Second)
		synctest.Wait()
		s.expectReleased(t, silent, beat)
	})
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n = 3000 // more than a read brings
		s := newStore()
		var told atomic.Int64
		all := make([]task.Due, n)
		for i := range all {
			all[i] = s.add(int64(i+1), time.Second)
		}
		s.run(t, Options{Released: func(n int) { told.Add(int64(n)) }})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		done := s.done()
		for _, w := range all {
			if late := done[w.ID] - w.Ms; late != 0 {
				t.Fatalf("task %d is %d ms late", w.ID.LSN(), late)
			}
		}
		if told.Load() != n {
			t.Errorf("told of %d, want %d", told.Load(), n)
		}
		asks, _ := s.calls()
		for _, a := range asks {
			if a.n > maxRelease {
				t.Errorf("asked for %d at once, want at most %d", a.n, maxRelease)
			}
		}
	})
}

// TestLeaseLost: another holds the role and works; this one looks on, and leads
// again when the other is gone.
func TestLeaseLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		s.run(t, Options{})
		time.Sleep(time.Second)
		s.set(func() { s.holder, s.until = "other", time.Now().Add(time.Minute) })
		time.Sleep(beat) // it notices when it renews
		theirs := s.add(1, 5*time.Second)
		time.Sleep(5 * time.Second)
		s.set(func() { delete(s.due, theirs.ID) }) // the other released it
		time.Sleep(time.Minute)                    // and dies
		if asks, _ := s.calls(); len(asks) != 0 {
			t.Errorf("a standby released what was on time: %v", asks)
		}
		time.Sleep(beat)
		ours := s.add(2, 5*time.Second)
		s.token() // as whoever adds the soonest leaves one
		time.Sleep(10 * time.Second)
		synctest.Wait()
		s.expectReleased(t, ours, time.Millisecond)
		s.set(func() {
			if s.holder != "me" {
				t.Errorf("the role is held by %q", s.holder)
			}
		})
	})
}

// TestOverdue: the holder took its role to the grave.
func TestOverdue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		s.holder, s.until = "dead", time.Now().Add(time.Hour)
		w := s.add(1, 10*time.Second)
		s.run(t, Options{})
		time.Sleep(20 * time.Second)
		synctest.Wait()
		s.expectReleased(t, w, grace+time.Millisecond)
		if late := s.done()[w.ID] - w.Ms; late < grace.Milliseconds() {
			t.Errorf("a standby released %d ms after the due, want to leave %v to the holder", late, grace)
		}
	})
}

func TestClockGoesBack(t *testing.T) {
	t.Parallel()
	for _, told := range []string{"by a read", "by a release"} {
		t.Run(told, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStore()
				first, second := s.add(1, 10*time.Second), s.add(2, 30*time.Second)
				s.run(t, Options{})
				time.Sleep(5 * time.Second)
				if told == "by a release" {
					time.Sleep(5*time.Second - 2*time.Millisecond)
				}
				s.set(func() { s.skew = -10 * time.Minute })
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				if asks, reads := s.calls(); len(asks) > 3 || reads > 200 {
					t.Errorf("%d releases, %d reads in five minutes of waiting", len(asks), reads)
				}
				if len(s.done()) != 0 {
					t.Fatal("released before its time, as the store tells it now")
				}
				time.Sleep(6 * time.Minute)
				synctest.Wait()
				s.expectReleased(t, second, time.Millisecond)
				if s.done()[first.ID] == 0 {
					t.Error("the first one was forgotten")
				}
			})
		})
	}
}

func TestClockGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		w := s.add(1, time.Hour)
		s.run(t, Options{})
		time.Sleep(time.Minute)
		s.set(func() { s.skew = time.Hour })
		time.Sleep(2 * beat)
		synctest.Wait()
		s.expectReleased(t, w, time.Minute+2*beat)
	})
}

// TestFarthest: a foreign writer may store a due that no Duration reaches.
func TestFarthest(t *testing.T) {
	t.Parallel()
	for _, due := range []int64{253_402_300_799_999, math.MaxInt64 / 2, 0} {
		t.Run(fmt.Sprint(due), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStore()
				s.due[task.NewID(0, 1, task.Position{Ms: 1, LSN: 1})] = due
				s.run(t, Options{})
				time.Sleep(time.Minute)
				synctest.Wait()
				if _, reads := s.calls(); reads > 25 {
					t.Errorf("%d reads in a minute", reads)
				}
				if got := len(s.done()); (got == 1) != (due == 0) {
					t.Errorf("released %d", got)
				}
			})
		})
	}
}

// TestErrors: each kind of call fails for a while; what fell due meanwhile is
// released a heartbeat and its jitter after the store is back.
func TestErrors(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"hold", "upcoming", "release", "wake"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStore()
				w := s.add(1, 5*time.Second)
				var told atomic.Int64
				s.run(t, Options{Failed: func(err error) {
					if !errors.Is(err, errDown) {
						t.Errorf("told %v", err)
					}
					told.Add(1)
				}})
				time.Sleep(time.Second)
				s.set(func() {
					s.fail = func(o string) error {
						if o == op {
							return errDown
						}
						return nil
					}
				})
				time.Sleep(30 * time.Second)
				s.set(func() { s.fail = nil })
				time.Sleep(2 * beat)
				synctest.Wait()
				s.expectReleased(t, w, 26*time.Second+beat+beat/4) // after an error it rests up to a quarter longer
				if n := told.Load(); n == 0 || n > 12 {
					t.Errorf("told of %d errors in 30 s, want about one a heartbeat", n)
				}
			})
		})
	}
}

// TestStop: Run returns while it sleeps, and while a wake blocks.
func TestStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		s.add(1, time.Hour)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- NewReleaser(s, Options{Name: "me"}).Run(ctx) }()
		time.Sleep(time.Second)
		stop()
		synctest.Wait()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Fatal("still running")
		}
		<-s.closed
	})
}
