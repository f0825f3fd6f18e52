package consumergroup_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/consumergroup"
	"github.com/tidemill/tidemill/task"
)

// look is how often a group looks at the others' records: step, as long as it
// waits for the next to move.
const (
	look = lease / 12
	step = lease / 48
)

// TestTakesOverAfterOneLease: as seen by this node's own clock, Redis answering.
func TestTakesOverAfterOneLease(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		record string
		meddle func(n *node, f *fake)
		after  time.Duration // of the first reclaim that moves something
		within time.Duration // and this much later: a step, unless a back-off decides
	}{
		"still":     {record: "7", after: lease},
		"no record": {record: "", after: lease},
		"dead":      {record: "dead", after: 0},
		"it moved": {record: "7", after: 2*lease - look - look/2, meddle: func(_ *node, f *fake) {
			time.Sleep(lease - look - look/2)
			f.set(func() { f.records["other"] = "8" })
		}},
		"an error in between": {record: "7", after: lease + 3*look + look/2, within: look, meddle: func(n *node, _ *fake) {
			time.Sleep(2*look + look/2)
			n.interfere(func(_ context.Context, op string) error {
				if op == "observe" {
					return errDown
				}
				return nil
			}, nil)
			time.Sleep(look)
			n.interfere(nil, nil)
		}},
		"no answer in between": {record: "7", after: 2*lease + 2*look + look/2, meddle: func(n *node, _ *fake) {
			time.Sleep(2*look + look/2)
			n.interfere(func(_ context.Context, op string) error {
				if op == "observe" {
					time.Sleep(lease)
				}
				return nil
			}, nil)
			time.Sleep(look)
			n.interfere(nil, nil)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				f, r := newFake(t), newRuns()
				n := newNode(f)
				f.give(5, "other", tt.record)
				var told atomic.Int64
				run(t, n, consumergroup.Options{Handle: r.taking(time.Millisecond), Observer: consumergroup.Observer{
					Reclaimed: func(_ task.Queue, victim string, n int) {
						if victim != "other" {
							t.Errorf("reclaimed from %q", victim)
						}
						told.Add(int64(n))
					},
				}})
				if tt.meddle != nil {
					tt.meddle(n, f)
				}
				time.Sleep(4 * lease)
				synctest.Wait()
				at := n.times("reclaim")
				if len(at) == 0 {
					t.Fatal("never reclaimed")
				}
				expectAt(t, "first reclaim", at[0], tt.after, max(tt.within, step+10*time.Millisecond))
				expectCount(t, "told", int(told.Load()), 5)
				expectCount(t, "successes", len(f.outcomes(task.OutcomeSuccess)), 5)
				f.set(func() {
					if r, ok := f.records["other"]; ok {
						t.Errorf("its record is left: %q", r)
					}
				})
			})
		})
	}
}

// TestSeesTheLastRenewal: a node that renewed for some leases dies. Each renewal
// was seen within a step, with few looks.
func TestSeesTheLastRenewal(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		const leases = 10
		f, r := newFake(t), newRuns()
		n := newNode(f)
		f.give(5, "other", "0")
		run(t, n, consumergroup.Options{Handle: r.taking(0)})
		time.Sleep(lease / 7) // out of step with its looks
		for i := range 3 * leases {
			f.set(func() { f.records["other"] = strconv.Itoa(i + 1) })
			time.Sleep(lease / 3)
		}
		last := lease/7 + (3*leases-1)*(lease/3)
		if looks := len(n.times("observe")); looks > 10*leases {
			t.Errorf("%d looks in %d leases", looks, leases)
		}
		time.Sleep(lease)
		synctest.Wait()
		expectAt(t, "first reclaim", n.times("reclaim")[0], last+lease, step+10*time.Millisecond)
	})
}

// TestAlive: the record moves between the look and the call, every time.
func TestAlive(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		n := newNode(f)
		f.give(5, "other", "7")
		n.interfere(func(_ context.Context, op string) error {
			if op == "reclaim" {
				f.set(func() { f.records["other"] = time.Now().String() })
			}
			return nil
		}, nil)
		run(t, n, consumergroup.Options{Handle: r.taking(0)})
		time.Sleep(5*lease + time.Second)
		synctest.Wait()
		expectCount(t, "starts", len(r.started()), 0)
		expectCount(t, "held by the other", f.holds("other"), 5)
		if tries := len(n.times("reclaim")); tries == 0 || tries > 5 {
			t.Errorf("%d tries to reclaim in five leases, want one a lease", tries)
		}
	})
}

// TestTakesWhatFits: page by page, while there is room; the rest is left to
// others, until there is room again.
func TestTakesWhatFits(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		n := newNode(f)
		f.give(3*page+10, "other", "7")
		g := run(t, n, consumergroup.Options{Concurrency: page + 1, Handle: r.taking(lease)})
		time.Sleep(lease + 2*look)
		synctest.Wait()
		expectCount(t, "taken", f.holds("c1"), 2*page)
		if running, _ := g.Running(); running != page+1 {
			t.Errorf("%d running", running)
		}
		time.Sleep(5 * lease)
		synctest.Wait()
		expectCount(t, "successes", len(f.outcomes(task.OutcomeSuccess)), 3*page+10)
	})
}

// TestTakesOverWhenBusy: a backlog without end leaves no slot free; what a dead
// node held does not wait for it, but leaves a moment to nodes that are idle.
func TestTakesOverWhenBusy(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		n := newNode(f)
		f.add(10_000)
		ids := f.give(2*page, "other", "7")
		run(t, n, consumergroup.Options{Concurrency: 20, Handle: r.taking(170 * time.Millisecond)})
		time.Sleep(lease + lease/6 - time.Millisecond)
		expectCount(t, "taken at first", f.holds("other"), 2*page)
		time.Sleep(2 * look)
		synctest.Wait()
		expectCount(t, "left at second", f.holds("other"), page)
		time.Sleep(3 * lease)
		synctest.Wait()
		for _, id := range ids {
			expectCount(t, "starts of a task that was taken over", r.times(id), 1)
		}
	})
}

// TestChargedBeforeTheStart: a delivery taken over once starts at once, like any
// other, but is charged first. No page waits for the next look while there is room.
func TestChargedBeforeTheStart(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		n := newNode(f)
		ids := f.give(4*page, "other", "7")
		run(t, n, consumergroup.Options{Concurrency: len(ids), Handle: r.taking(time.Hour)})
		time.Sleep(lease + 2*look)
		synctest.Wait()
		expectCount(t, "charges", len(n.times("charge")), 4)
		for _, s := range r.started() {
			if s.count != 3 {
				t.Errorf("task %d starts with count %d, want 3: taken over once, charged once", s.id.LSN(), s.count)
			}
			expectAt(t, "start", s.at, lease, step)
		}
		expectCount(t, "starts", len(r.started()), len(ids))
	})
}

func TestChargeRefused(t *testing.T) {
	t.Parallel()
	t.Run("held by another", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f, r := newFake(t), newRuns()
			n := newNode(f)
			f.give(2, "other", "dead")
			n.interfere(func(_ context.Context, op string) error {
				if op == "charge" {
					f.set(func() {
						for _, h := range f.held {
							h.by = "third"
							break
						}
					})
				}
				return nil
			}, nil)
			g := run(t, n, consumergroup.Options{Handle: r.taking(time.Millisecond)})
			time.Sleep(lease / 2)
			synctest.Wait()
			expectCount(t, "starts", len(r.started()), 1)
			expectIs(t, "run", g.end(), nil)
		})
	})
	t.Run("no answer", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			f, r := newFake(t), newRuns()
			n := newNode(f)
			f.give(2, "other", "dead")
			n.interfere(func(_ context.Context, op string) error {
				if op == "charge" && since(time.Now()) < lease {
					return errDown
				}
				return nil
			}, nil)
			run(t, n, consumergroup.Options{Handle: r.taking(time.Millisecond)})
			time.Sleep(lease / 2)
			synctest.Wait()
			expectCount(t, "starts without a charge", len(r.started()), 0)
			back := f.outcomes(task.HandedBack)
			if len(back) < 2 {
				t.Fatalf("%d handed back, want 2", len(back))
			}
			for _, o := range back {
				if got := o.Delivery.Opts.Crashes; got != 1 {
					t.Errorf("handed back with %d crashes, want the one that happened", got)
				}
			}
			time.Sleep(lease)
			synctest.Wait()
			expectCount(t, "successes", len(f.outcomes(task.OutcomeSuccess)), 2)
		})
	})
}

// TestReclaimUnseen: the page moved, but its answer was lost. The sweep finds it.
func TestReclaimUnseen(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, r := newFake(t), newRuns()
		n := newNode(f)
		ids := f.give(20, "other", "7")
		var lost atomic.Bool
		n.interfere(nil, func(_ context.Context, op string) error {
			if op == "reclaim" && !lost.Swap(true) {
				return errDown
			}
			return nil
		})
		run(t, n, consumergroup.Options{Handle: r.taking(time.Millisecond)})
		time.Sleep(3 * lease)
		synctest.Wait()
		got := map[int]int{} // starts → tasks
		for _, id := range ids {
			got[r.times(id)]++
		}
		if diff := cmp.Diff(map[int]int{1: 20}, got); diff != "" {
			t.Errorf("tasks by starts (-want +got):\n%s", diff)
		}
	})
}
