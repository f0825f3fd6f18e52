package consumergroup_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemill/tidemill/consumergroup"
	"github.com/tidemill/tidemill/task"
)

// TestPulse: of two partitions the one that is worse off; a full pool needs no
// reads, and what is refused makes the times old.
func TestPulse(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newFake(t)
		n := newNode(f, newFake(t))
		g := run(t, n, consumergroup.Options{Concurrency: 1, Handle: newRuns().taking(20 * lease)})
		if p := g.Pulse(); !p.Read.IsZero() || !p.Renewed.IsZero() {
			t.Errorf("before anyone joined: %v", p)
		}
		fresh := func(when string, read, renewed bool) {
			t.Helper()
			p := g.Pulse()
			if got := time.Since(p.Read) <= lease; got != read {
				t.Errorf("%s: last read %s ago", when, time.Since(p.Read))
			}
			if got := time.Since(p.Renewed) <= lease; got != renewed {
				t.Errorf("%s: last renewed %s ago", when, time.Since(p.Renewed))
			}
		}
		time.Sleep(3 * lease)
		fresh("idle", true, true)
		f.add(1)
		time.Sleep(3 * lease)
		fresh("full", true, true)
		time.Sleep(20 * lease)
		fresh("idle again", true, true)
		for _, op := range []string{"fetch", "renew"} {
			n.interfere(func(_ context.Context, what string) error {
				if what == op || what == "join" {
					return errDown
				}
				return nil
			}, nil)
			time.Sleep(3 * lease)
			fresh(op+" is refused", false, op != "renew")
			n.interfere(nil, nil)
			time.Sleep(3 * lease)
			fresh("answered again", true, true)
		}
	})
}

// TestGoexit: a handler that ends its goroutine, in time or after it was given up,
// has failed once and leaves its slot free.
func TestGoexit(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := newFake(t)
		n := newNode(f)
		late := false
		g := run(t, n, consumergroup.Options{
			Concurrency: 1,
			Handle: func(context.Context, *task.Delivery) task.Settlement {
				if late {
					time.Sleep(time.Minute)
				}
				runtime.Goexit()
				return task.Settlement{Kind: task.OutcomeSuccess}
			},
			Timeout: func(*task.Delivery) time.Duration { return time.Second },
			Expired: func(*task.Delivery) task.Settlement { return task.Settlement{Kind: task.OutcomeDead} },
		})
		f.add(3)
		time.Sleep(time.Second)
		synctest.Wait()
		retries := f.outcomes(task.OutcomeRetry)
		expectCount(t, "retries", len(retries), 3)
		if got, want := retries[0].Error, "handler called runtime.Goexit"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		late = true
		f.add(1)
		time.Sleep(10 * time.Second)
		if running, stuck := g.Running(); running != 1 || stuck != 1 {
			t.Errorf("%d run, %d are stuck, want 1 and 1", running, stuck)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if running, stuck := g.Running(); running != 0 || stuck != 0 {
			t.Errorf("%d run, %d are stuck, want none", running, stuck)
		}
		expectCount(t, "outcomes", len(f.outcomes(task.Unknown)), 4)
	})
}
