package engine_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

// digest is that of docs/FORMAT.md: of each value its length and its bytes.
func digest(values ...string) string {
	var all []byte
	for _, v := range values {
		all = append(all, 0, 0, 0, 0, 0, 0, byte(len(v)>>8), byte(len(v)))
		all = append(all, v...)
	}
	sum := sha256.Sum256(all)
	return hex.EncodeToString(sum[:16])
}

// result is the digest that a task's success has; no other event has one.
func (w *world) result(id engine.ID) (got string) {
	w.t.Helper()
	for e, err := range w.eng.History(w.t.Context(), id) {
		switch {
		case err != nil:
			w.t.Fatal(err)
		case e.Kind == task.OutcomeSuccess:
			got = e.Result.String()
		case !e.Result.IsZero():
			w.t.Errorf("%s has result %s", e.Kind, e.Result)
		}
	}
	return got
}

// TestResult: what handlers report is in the history, and nothing is where they do not.
func TestResult(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		eng := w.open(engine.Options{})
		typ := engine.Define[[]string]("t", engine.Retry(1), quickly)
		engine.Handle(eng, typ, func(ctx context.Context, values []string) error {
			d, _ := engine.Current(ctx)
			ctx, cancel := context.WithCancel(ctx) // any context made of the handler's will do
			defer cancel()
			for _, v := range values {
				engine.Result(ctx, []byte(strings.ReplaceAll(v, "N", strconv.Itoa(d.Attempt))))
			}
			if len(values) == 2 && d.Attempt == 1 {
				return errBoom
			}
			return nil
		})
		eng.HandleRaw("raw", func(ctx context.Context, d *engine.Delivery) error {
			engine.Result(ctx, d.Payload)
			return nil
		})
		eng.Use(func(next engine.Handler) engine.Handler {
			return func(ctx context.Context, d *engine.Delivery) error {
				if d.Type == "raw" {
					engine.Result(ctx, []byte("of the wrapper"))
				}
				return next(ctx, d)
			}
		})
		w.run(eng)
		for want, values := range map[string][]string{
			"":                  nil,
			digest(""):          {""},
			digest("a1"):        {"aN"},
			digest("a", "", ""): {"a", "", ""},
			digest("a2", "bc"):  {"aN", "bc"}, // of the attempt that succeeded
		} {
			id := enqueue(t, eng, typ, values)
			w.wait(id)
			expect(t, fmt.Sprintf("digest of %q", values), w.result(id), want)
		}
		made, err := eng.Produce(t.Context(), []task.Birth{{Type: "raw", Payload: []byte("p")}})
		if err != nil {
			t.Fatal(err)
		}
		w.wait(made[0].ID)
		expect(t, "with a wrapper", w.result(made[0].ID), digest("of the wrapper", "p"))
		engine.Result(t.Context(), []byte("outside of a handler nothing happens"))
	})
}

// TestResultOfMany: a packed entry keeps each result with its task, and some have none.
func TestResultOfMany(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const n = 300
		eng := w.open(engine.Options{})
		typ := engine.Define[int]("t")
		engine.Handle(eng, typ, func(ctx context.Context, i int) error {
			if i%3 > 0 {
				engine.Result(ctx, fmt.Append(nil, i))
			}
			return nil
		})
		numbers := make([]int, n)
		for i := range numbers {
			numbers[i] = i
		}
		made, err := typ.EnqueueMany(t.Context(), eng, numbers)
		if err != nil {
			t.Fatal(err)
		}
		w.run(eng)
		for i, m := range made {
			w.wait(m.ID)
			want := ""
			if i%3 > 0 {
				want = digest(fmt.Sprint(i))
			}
			expect(t, fmt.Sprintf("digest of %d", i), w.result(m.ID), want)
		}
	})
}

// TestPerformResult: the settlement has the digest whatever the verdict.
func TestPerformResult(t *testing.T) {
	t.Parallel()
	typ := engine.Define[[]byte]("t", engine.Retry(0))
	d := &engine.Delivery{Type: "t", Payload: []byte("x"), Attempt: 1}
	for want, answer := range map[task.Kind]error{task.OutcomeSuccess: nil, task.OutcomeDead: errBoom} {
		s, err := engine.Perform(t.Context(), typ, func(ctx context.Context, b []byte) error {
			engine.Result(ctx, b)
			return answer
		}, d)
		if err != nil || s.Kind != want || s.Result.String() != digest("x") {
			t.Errorf("got %+v, %v, want %s with %s", s, err, want, digest("x"))
		}
	}
}

// TestResultAtOnce: goroutines of a handler may report, in any order.
func TestResultAtOnce(t *testing.T) {
	t.Parallel()
	typ := engine.Define[string]("t")
	d := &engine.Delivery{Type: "t", Payload: []byte(`"x"`), Attempt: 1}
	s, err := engine.Perform(t.Context(), typ, func(ctx context.Context, v string) error {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { engine.Result(ctx, []byte(v)) })
		}
		all.Wait()
		return nil
	}, d)
	if want := digest("x", "x", "x", "x", "x", "x", "x", "x"); err != nil || s.Result.String() != want {
		t.Errorf("got %s, %v, want %s", s.Result, err, want)
	}
}
