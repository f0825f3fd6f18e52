package engine_test

import (
	"context"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/replay/rerun"
	"github.com/tidemill/tidemill/task"
)

// TestShadowComparesResults: what handlers reported at work is what Perform makes
// of them in a replay; a branch with another result is found.
func TestShadowComparesResults(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const n = 20
		eng := w.open(engine.Options{})
		typ := engine.Define[int]("t")
		handler := func(other int) func(context.Context, int) error {
			return func(ctx context.Context, i int) error {
				if i == other {
					i = 0
				}
				engine.Result(ctx, []byte(strings.Repeat("x", i)))
				return nil
			}
		}
		engine.Handle(eng, typ, handler(-1))
		stop := w.run(eng)
		ids := make([]engine.ID, n)
		for i := range ids {
			ids[i] = enqueue(t, eng, typ, i)
		}
		for _, id := range ids {
			w.wait(id)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		shadow := func(other int) *rerun.TypeDiff {
			s := rerun.Shadow{Concurrency: 4, Handler: func(ctx context.Context, d *task.Delivery) task.Settlement {
				got, err := engine.Perform(ctx, typ, handler(other), d)
				if err != nil {
					t.Error(err)
				}
				return got
			}}
			diff, err := s.Run(t.Context(), w.eng.Log())
			if err != nil || diff.Compared != n {
				t.Fatalf("got %+v, %v", diff, err)
			}
			return diff.Types()[0]
		}
		if d := shadow(-1); d.Digests != n || d.Changed != 0 {
			t.Errorf("same code: got %d changed of %d", d.Changed, d.Digests)
		}
		if d := shadow(7); d.Digests != n || d.DigestsChanged != 1 || d.Changed != 1 || d.Examples[0].ID != ids[7] {
			t.Errorf("a branch: got %+v, want %s", d, ids[7])
		}
	})
}
