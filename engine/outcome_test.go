package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

// quickly is a backoff for tests.
var quickly = engine.Backoff(time.Millisecond, 2*time.Millisecond)

// calls counts how often a handler ran.
type calls struct{ atomic.Int64 }

func TestOutcomes(t *testing.T) {
	once := engine.Retry(0)
	for name, tt := range map[string]struct {
		typ     engine.Type[string]
		answer  func(run int) error
		want    engine.Status
		attempt int
		history []string
	}{
		"success": {
			typ:     engine.Define[string]("t"),
			answer:  func(int) error { return nil },
			want:    engine.Status{State: task.Succeeded},
			history: []string{"born", "succeeded"}, attempt: 1,
		},
		"retries are used up": {
			typ:     engine.Define[string]("t", engine.Retry(2), quickly),
			answer:  func(int) error { return errBoom },
			want:    engine.Status{State: task.Dead, Reason: "retries", Error: "boom"},
			history: []string{"born", "retry", "released", "retry", "released", "dead"}, attempt: 3,
		},
		"no retries": {
			typ:     engine.Define[string]("t", once),
			answer:  func(int) error { return errBoom },
			want:    engine.Status{State: task.Dead, Reason: "retries", Error: "boom"},
			history: []string{"born", "dead"}, attempt: 1,
		},
		"the last attempt succeeds": {
			typ: engine.Define[string]("t", engine.Retry(2), quickly),
			answer: func(run int) error {
				if run < 3 {
					return errBoom
				}
				return nil
			},
			want:    engine.Status{State: task.Succeeded},
			history: []string{"born", "retry", "released", "retry", "released", "succeeded"}, attempt: 3,
		},
		"buried": {
			typ:     engine.Define[string]("t"),
			answer:  func(int) error { return engine.Bury(errBoom) },
			want:    engine.Status{State: task.Dead, Reason: "buried", Error: "boom"},
			history: []string{"born", "dead"}, attempt: 1,
		},
		"buried deep inside": {
			typ:     engine.Define[string]("t"),
			answer:  func(int) error { return fmt.Errorf("while baking: %w", engine.Bury(errBoom)) },
			want:    engine.Status{State: task.Dead, Reason: "buried", Error: "while baking: boom"},
			history: []string{"born", "dead"}, attempt: 1,
		},
		"buried without an error": {
			typ:     engine.Define[string]("t"),
			answer:  func(int) error { return engine.Bury(nil) },
			want:    engine.Status{State: task.Dead, Reason: "buried", Error: "no error was given"},
			history: []string{"born", "dead"}, attempt: 1,
		},
		"snoozed": {
			typ: engine.Define[string]("t", once),
			answer: func(run int) error {
				if run < 3 {
					return engine.Snooze(time.Millisecond)
				}
				return nil
			},
			want:    engine.Status{State: task.Succeeded},
			history: []string{"born", "snoozed", "released", "snoozed", "released", "succeeded"}, attempt: 1,
		},
		"snoozed for no time": {
			typ: engine.Define[string]("t", once),
			answer: func(run int) error {
				if run < 2 {
					return engine.Snooze(-time.Hour)
				}
				return nil
			},
			want:    engine.Status{State: task.Succeeded},
			history: []string{"born", "snoozed", "released", "succeeded"}, attempt: 1,
		},
		"retried at a time of its own": {
			typ:     engine.Define[string]("t", engine.Retry(1), engine.Backoff(time.Hour, time.Hour)),
			answer:  func(int) error { return engine.RetryIn(time.Millisecond, errBoom) },
			want:    engine.Status{State: task.Dead, Reason: "retries", Error: "boom"},
			history: []string{"born", "retry", "released", "dead"}, attempt: 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				eng := w.open(engine.Options{})
				var ran calls
				engine.Handle(eng, tt.typ, func(context.Context, string) error {
					return tt.answer(int(ran.Add(1)))
				})
				w.run(eng)
				id := enqueue(t, eng, tt.typ, "x")
				st := w.wait(id)
				got := engine.Status{State: st.State, Reason: st.Reason, Error: st.Error}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("status (-want +got):\n%s", diff)
				}
				expect(t, "attempt", st.Attempt, tt.attempt)
				if diff := cmp.Diff(tt.history, w.history(id)); diff != "" {
					t.Errorf("history (-want +got):\n%s", diff)
				}
				starts := 0
				for _, k := range tt.history {
					if k == "born" || k == "released" {
						starts++
					}
				}
				expect(t, "runs", int(ran.Load()), starts)
			})
		})
	}
}

// TestRetriesOfTheTask win over those of its type, which win over the default.
func TestRetriesOfTheTask(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		eng := w.open(engine.Options{})
		typ := engine.Define[int]("t", engine.Retry(4), quickly)
		plain := engine.Define[int]("plain", quickly)
		fail := func(context.Context, int) error { return errBoom }
		engine.Handle(eng, typ, fail)
		engine.Handle(eng, plain, fail)
		w.run(eng)
		expect(t, "of the type", w.wait(enqueue(t, eng, typ, 1)).Attempt, 5)
		expect(t, "of the task", w.wait(enqueue(t, eng, typ, 1, engine.Retry(1))).Attempt, 2)
		expect(t, "none for the task", w.wait(enqueue(t, eng, typ, 1, engine.Retry(0))).Attempt, 1)
		expect(t, "default", w.wait(enqueue(t, eng, plain, 1)).Attempt, engine.DefaultRetries+1)
	})
}

// TestPanic: a failure like others, with the stack, of which not too much is kept.
func TestPanic(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		var told calls
		eng := w.open(engine.Options{Observer: engine.Observer{
			Panicked: func(_ context.Context, d *engine.Delivery, v any, stack []byte) {
				if v == errBoom && strings.Contains(string(stack), "bombs") && d.Attempt > 0 {
					told.Add(1)
				}
			},
		}})
		typ := engine.Define[int]("t", engine.Retry(1), quickly)
		deep := engine.Define[int]("deep", engine.Retry(0))
		engine.Handle(eng, typ, func(context.Context, int) error { bombs(0); return nil })
		engine.Handle(eng, deep, func(_ context.Context, n int) error { bombs(n); return nil })
		w.run(eng)
		id := enqueue(t, eng, typ, 0)
		st := w.wait(id)
		expect(t, "reason", st.Reason, "retries")
		if diff := cmp.Diff([]string{"born", "retry", "released", "dead"}, w.history(id)); diff != "" {
			t.Errorf("history (-want +got):\n%s", diff)
		}
		if !strings.HasPrefix(st.Error, "panic: boom\n") || !strings.Contains(st.Error, "bombs") {
			t.Errorf("error %q", st.Error)
		}
		expect(t, "told", told.Load(), 2)
		st = w.wait(enqueue(t, eng, deep, 1000))
		if n := len(st.Error); n < 1000 || n > 8<<10 {
			t.Errorf("%d bytes are kept of a deep stack", n)
		}
	})
}

// bombs panics n calls deep.
func bombs(n int) int {
	if n == 0 {
		panic(errBoom)
	}
	return bombs(n-1) + 1
}

// TestLongError: what a handler says is clipped, and is text.
func TestLongError(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		eng := w.open(engine.Options{})
		typ := engine.Define[int]("t", engine.Retry(0))
		engine.Handle(eng, typ, func(context.Context, int) error {
			return errors.New("\xff\x00" + strings.Repeat("ü", 10_000))
		})
		w.run(eng)
		st := w.wait(enqueue(t, eng, typ, 1))
		if len(st.Error) > 8<<10+2 || !strings.HasPrefix(st.Error, "?\x00ü") || strings.ToValidUTF8(st.Error, "") != st.Error {
			t.Errorf("%d bytes: %.20q…", len(st.Error), st.Error)
		}
	})
}

// TestDecode: bytes that are no T are dead at once, and kept.
func TestDecode(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		eng := w.open(engine.Options{})
		typ := engine.Define[struct{ N int }]("t")
		engine.Handle(eng, typ, func(context.Context, struct{ N int }) error {
			t.Error("the handler ran")
			return nil
		})
		w.run(eng)
		for _, payload := range []string{"", "{", `{"N":"text"}`, `[1]`, "\x00\xff"} {
			made, err := eng.Produce(t.Context(), []task.Birth{{Type: "t", Payload: []byte(payload)}})
			if err != nil {
				t.Fatal(err)
			}
			st := w.wait(made[0].ID)
			expect(t, "state", st.State, task.Dead)
			expect(t, "reason", st.Reason, "decode")
			expect(t, "payload", string(st.Payload), payload)
			if !strings.HasPrefix(st.Error, "decode payload: ") {
				t.Errorf("error %q", st.Error)
			}
			if diff := cmp.Diff([]string{"born", "dead"}, w.history(made[0].ID)); diff != "" {
				t.Errorf("history (-want +got):\n%s", diff)
			}
			expect(t, "kept for a requeue", string(w.dead(made[0].ID).Payload), payload)
		}
	})
}

// dead finds a task among the dead.
func (w *world) dead(id engine.ID) engine.Status {
	w.t.Helper()
	for st, err := range w.eng.Dead(w.t.Context(), engine.Filter{}) {
		if err != nil {
			w.t.Fatal(err)
		}
		if st.ID == id {
			return st
		}
	}
	w.t.Errorf("task %s is not among the dead", id)
	return engine.Status{}
}

// TestPayloads: what goes in comes out, byte for byte.
func TestPayloads(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		eng := w.open(engine.Options{})
		raw := engine.Define[[]byte]("raw")
		got := make(chan string, 1)
		engine.Handle(eng, raw, func(_ context.Context, b []byte) error {
			got <- string(b)
			return nil
		})
		w.run(eng)
		for _, p := range []string{"", "\x00", "no json", strings.Repeat("\xff\r\n$-1", 1000), strings.Repeat("x", 1<<20)} {
			enqueue(t, eng, raw, []byte(p))
			if b := <-got; b != p {
				t.Errorf("%d bytes in, %d out", len(p), len(b))
			}
		}
	})
}

// TestUnrouted: no node handles the type. It is snoozed, for longer and longer,
// and dead in the end; it is never a failure.
func TestUnrouted(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		eng := w.open(engine.Options{})
		engine.Handle(eng, engine.Define[int]("other"), func(context.Context, int) error { return nil })
		w.run(eng)
		met := func(times int) engine.ID {
			made, err := eng.Produce(t.Context(), []task.Birth{{Type: "nobody", Payload: []byte("1"), Opts: task.Opts{Unrouted: times, Retries: -1}}})
			if err != nil {
				t.Fatal(err)
			}
			return made[0].ID
		}
		for times, want := range map[int]time.Duration{0: 5 * time.Second, 1: 10 * time.Second, 3: 40 * time.Second, 4: time.Minute, 60: time.Minute} {
			st := w.until(met(times), task.Waiting)
			expect(t, fmt.Sprintf("wait after meeting %d", times+1), st.DueAt.Sub(st.ChangedAt).Round(10*time.Millisecond), want)
			expect(t, "attempt", st.Attempt, 1)
		}
		st := w.wait(met(70))
		expect(t, "state", st.State, task.Dead)
		expect(t, "reason", st.Reason, "unroutable")
		if !strings.Contains(st.Error, "nobody") {
			t.Errorf("error %q does not name the type", st.Error)
		}
	})
}

// TestDelivery: what a raw handler is given.
func TestDelivery(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fmt.Sprintf("mem://test%d", worlds.Add(1)))
	eng := w.open(engine.Options{})
	seen := make(chan *engine.Delivery, 1)
	eng.HandleRaw("t", func(_ context.Context, d *engine.Delivery) error {
		seen <- d
		return nil
	})
	w.run(eng)
	id := enqueue(t, eng, engine.Define[int]("t", engine.Header("a", "1"), engine.Header("b", "2")), 7, engine.Header("a", "3"))
	d := <-seen
	expect(t, "id", d.ID, id)
	expect(t, "type", d.Type, "t")
	expect(t, "queue", d.Queue, "default")
	expect(t, "attempt", d.Attempt, 1)
	expect(t, "payload", string(d.Payload), "7")
	if diff := cmp.Diff(map[string]string{"a": "3", "b": "2"}, d.Headers); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if age := time.Since(d.EnqueuedAt); age < 0 || age > patience {
		t.Errorf("enqueued %v ago", age)
	}
	w.wait(id)
}
