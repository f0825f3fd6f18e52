package engine_test

import (
	"context"
	"testing"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

// TestDurability: the level of the type, another for one task, and the task that
// comes with the error, which runs like any other.
func TestDurability(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		eng := w.open(engine.Options{})
		typ := engine.Define[int]("t", engine.Durability(engine.Replicated))
		engine.Handle(eng, typ, func(context.Context, int) error { return nil })
		w.run(eng)

		got, err := typ.Enqueue(t.Context(), eng, 1)
		if eng.Server().Name == "miniredis" {
			expectIs(t, "in memory", err, engine.ErrInvalidOption)
			expect(t, "in memory", got, engine.Task{})
		} else { // the test's server has no replica
			expectIs(t, "without a replica", err, engine.ErrNotReplicated)
			expect(t, "stored all the same", w.wait(got.ID).State, task.Succeeded)
		}
		expect(t, "local", w.wait(enqueue(t, eng, typ, 2, engine.Durability(engine.Local))).State, task.Succeeded)

		_, err = typ.Enqueue(t.Context(), eng, 1, engine.Durability(7))
		expectIs(t, "no such level", err, engine.ErrInvalidOption)
	})
}
