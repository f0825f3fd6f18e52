package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/task"
)

// TestArchivePushesBack: while the archive does not come on, producers are refused
// and the node drains; when it does, they go on by themselves.
func TestArchivePushesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.URL(t))
	eng := w.open(engine.Options{Lease: short, Retention: engine.Retention{Bytes: 32 << 10}})
	typ := engine.Define[string]("t")
	engine.Handle(eng, typ, func(context.Context, string) error { return nil })
	enqueue(t, eng, typ, "first")
	feed, err := eng.Log().Feed(t.Context(), "default", 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := feed.Spare(t.Context(), "archive", task.Position{LSN: 1}); err != nil {
		t.Fatal(err)
	}
	w.run(eng)
	payload := strings.Repeat("x", 1000)
	made := int64(1)
	produce := func(want error) func() bool {
		return func() bool {
			_, err := typ.Enqueue(t.Context(), w.eng, payload)
			if err == nil {
				made++
			} else if !errors.Is(err, engine.ErrBackpressure) {
				t.Fatal(err)
			}
			return errors.Is(err, want)
		}
	}
	eventually(t, "producers are refused", produce(engine.ErrBackpressure))
	eventually(t, "the node has drained", func() bool { return w.stats("default").Succeeded == made })
	expect(t, "refused", produce(engine.ErrBackpressure)(), true)
	floor := w.stats("default").Floor
	expect(t, "floor", floor, 1)
	end, err := eng.Log().End(t.Context(), "default", 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := feed.Spare(t.Context(), "archive", end.Next()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "producers go on", produce(nil))
	eventually(t, "all is done", func() bool { return w.stats("default").Succeeded == made })
}
