package consumergroup_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemill/tidemill/consumergroup"
	"github.com/tidemill/tidemill/task"
)

// TestLongTasksAreNotHoarded: a node holds what it runs, and leaves the rest to
// others.
func TestLongTasksAreNotHoarded(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		f.add(1000)
		run(t, newNode(f), consumergroup.Options{Concurrency: 4, Handle: r.taking(time.Minute)})
		for range 20 {
			time.Sleep(20 * time.Second)
			synctest.Wait()
			if held := f.holds("c1"); held > 4 {
				t.Fatalf("%d held with 4 slots", held)
			}
		}
		expectCount(t, "peak", r.most(), 4)
	})
}

// TestLongTasksAtOnce: many starts at once are no sign of short tasks.
func TestLongTasksAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		n := newNode(f)
		n.interfere(nil, slowly("fetch", time.Microsecond))
		run(t, n, consumergroup.Options{Concurrency: 64, Handle: r.taking(time.Hour)})
		time.Sleep(lease/3 + 11*time.Millisecond) // an empty read has just come back
		f.add(1000)
		time.Sleep(time.Minute)
		synctest.Wait()
		expectCount(t, "held with 64 slots", f.holds("c1"), 64)
	})
}

// TestLongTasksOfManyPartitions: nor does it hold the same room's worth of each.
// Readers do not know of each other's calls in flight, so some more than fits comes.
func TestLongTasksOfManyPartitions(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var parts []*fake
		for range 8 {
			parts = append(parts, newFake(t))
			parts[len(parts)-1].add(100)
		}
		r := newRuns()
		run(t, newNode(parts...), consumergroup.Options{Concurrency: 16, Handle: r.taking(time.Hour)})
		time.Sleep(time.Minute)
		synctest.Wait()
		held := 0
		for _, f := range parts {
			held += f.holds("")
		}
		expectCount(t, "running", r.most(), 16)
		if held > 2*16 {
			t.Errorf("%d held with 16 slots", held)
		}
	})
}

// TestShortTasksStream: with a round trip of a millisecond four slots would be
// idle most of the time, if no more was fetched than fits.
func TestShortTasksStream(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		n := newNode(f)
		n.interfere(slowly("fetch", time.Millisecond), nil)
		f.add(8000)
		run(t, n, consumergroup.Options{Concurrency: 4, Handle: r.taking(100 * time.Microsecond)})
		time.Sleep(300 * time.Millisecond) // 200 ms if the slots are never idle, 2.2 s without prefetch
		synctest.Wait()
		expectCount(t, "done", len(f.outcomes(task.OutcomeSuccess)), 8000)
		expectCount(t, "peak", r.most(), 4)
	})
}

// TestRoomForAll: the readers of several partitions wait for the same room. Who
// finds it must not keep it from those with tasks.
func TestRoomForAll(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		a, b, r := newFake(t), newFake(t), newRuns()
		a.add(1)
		run(t, newNode(a, b), consumergroup.Options{Concurrency: 1, Handle: r.taking(time.Second)})
		time.Sleep(500 * time.Millisecond)
		b.add(10)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		expectCount(t, "done", len(r.started()), 11)
		expectCount(t, "peak", r.most(), 1)
	})
}

// TestStopWhileJoining: there is no session to drain.
func TestStopWhileJoining(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(context.Context, string) error{"refuses": refuse, "hangs": hang} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				n := newNode(newFake(t))
				n.interfere(fault, nil)
				g := run(t, n, consumergroup.Options{
					Handle:   newRuns().taking(0),
					Observer: consumergroup.Observer{Joined: func(task.Queue, string) { t.Error("joined") }},
				})
				time.Sleep(10 * time.Second)
				expectIs(t, "run", g.end(), nil)
			})
		})
	}
}

// TestFatal: what no waiting mends ends Run, and with it the other partitions.
func TestFatal(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"join", "fetch"} {
		t.Run(op, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				f, r := newFake(t), newRuns()
				n := newNode(f, newFake(t))
				f.add(1)
				var once atomic.Bool
				n.interfere(func(_ context.Context, o string) error {
					if o == op && !once.Swap(true) {
						return task.ErrSchema
					}
					return nil
				}, nil)
				g := run(t, n, consumergroup.Options{Handle: r.taking(time.Millisecond)})
				select {
				case err := <-g.done:
					expectIs(t, "run", err, task.ErrSchema)
					g.done <- nil
				case <-time.After(time.Minute):
					t.Error("it goes on")
				}
			})
		})
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	good := consumergroup.Options{
		Join:   newNode().join,
		Handle: newRuns().taking(0),
	}
	if _, err := consumergroup.New(good); err != nil {
		t.Errorf("zero options: %v", err)
	}
	for name, change := range map[string]func(o *consumergroup.Options){
		"no join":              func(o *consumergroup.Options) { o.Join = nil },
		"no handler":           func(o *consumergroup.Options) { o.Handle = nil },
		"negative concurrency": func(o *consumergroup.Options) { o.Concurrency = -1 },
		"negative lease":       func(o *consumergroup.Options) { o.Lease = -1 },
		"negative drain":       func(o *consumergroup.Options) { o.Drain = -1 },
		"negative partitions":  func(o *consumergroup.Options) { o.Partitions = -1 },
	} {
		bad := good
		change(&bad)
		_, err := consumergroup.New(bad)
		expectIs(t, name, err, task.ErrInvalidOption)
	}
}
