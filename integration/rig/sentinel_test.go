package rig_test

import (
	"testing"

	"github.com/tidemill/tidemill/integration/rig"
	"github.com/tidemill/tidemill/task"
)

func newSentinel(t *testing.T) *world {
	t.Helper()
	return newWorld(t, rig.Config{Topology: rig.Sentinel, Dir: t.TempDir()})
}

// Twice in a row, and with a sentinel less: what was in sync survives.
func TestFailover(t *testing.T) {
	t.Parallel()
	w := newSentinel(t)
	ids := w.enqueue(10)
	for i := range 2 {
		w.must(w.Heal(t.Context())) // all in sync
		if i == 0 {
			w.must(w.Sentinels()[0].Kill())
		}
		f, err := w.Failover(t.Context())
		w.must(err)
		t.Logf("%s replaced by %s, no writes for %v", f.Old, f.New, f.Took)
		w.role(f.New, "master")
		w.role(f.Old, "slave")
		ids = append(ids, w.enqueue(1)...)
		w.want(ids, len(ids))
	}
}

// role fails the test unless a server has it.
func (w *world) role(s *rig.Server, want string) {
	w.Helper()
	if got, err := w.roleOf(s); err != nil || got != want {
		w.Errorf("role of %s: got %v, %v, want %s", s, got, err, want)
	}
}

func (w *world) roleOf(s *rig.Server) (any, error) {
	v, err := s.Client().Do(w.Context(), "role").Slice()
	if err != nil {
		return nil, err
	}
	return v[0], nil
}

// What was acknowledged between the cut and the death of the primary is gone,
// everywhere; what was acknowledged before is not.
func TestLoseTail(t *testing.T) {
	t.Parallel()
	w := newSentinel(t)
	kept := w.enqueue(10)
	var lost []task.ID
	f, err := w.LoseTail(t.Context(), func() { lost = w.enqueue(10) })
	w.must(err)
	t.Logf("%s replaced by %s, no writes for %v", f.Old, f.New, f.Took)
	kept = append(kept, w.enqueue(1)...)
	w.want(kept, 11)
	w.want(lost, 0)
	w.role(f.Old, "slave")
}

// A primary that comes back before anybody noticed is still the primary.
func TestSentinelRestart(t *testing.T) {
	t.Parallel()
	w := newSentinel(t)
	p, err := w.Primary(t.Context())
	w.must(err)
	w.must(p.Restart(t.Context()))
	w.must(w.Heal(t.Context()))
	w.role(p, "master")
	w.enqueue(1)
}
