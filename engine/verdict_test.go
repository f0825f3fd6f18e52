package engine

import (
	"context"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/tidemill/tidemill/task"
)

// TestUnroutedWaits follows one task from node to node: 5 s doubling to a minute,
// dead after an hour.
func TestUnroutedWaits(t *testing.T) {
	t.Parallel()
	d := &task.Delivery{Type: "nobody"}
	var total time.Duration
	for want := unroutedBase; ; want = min(2*want, unroutedCap) {
		s := unrouted(d)
		if s.Kind == task.OutcomeDead {
			if s.Reason != "unroutable" {
				t.Errorf("reason %q", s.Reason)
			}
			break
		}
		if s.Kind != task.OutcomeSnooze || s.Delay != want {
			t.Fatalf("meeting %d: %s for %v, want snoozed for %v", d.Opts.Unrouted, s.Kind, s.Delay, want)
		}
		if total += s.Delay; total > 2*unroutedMax {
			t.Fatal("it never ends")
		}
	}
	if total < unroutedMax || total > unroutedMax+unroutedCap {
		t.Errorf("dead after %v, want %v and little more", total, unroutedMax)
	}
	if got := d.Opts.Unrouted; got < 60 || got > 70 {
		t.Errorf("dead at meeting %d", got)
	}
}

// TestUnroutedHostile: the count comes from Redis, where anybody may write.
func TestUnroutedHostile(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]task.Kind{math.MaxInt32: task.OutcomeDead, -5: task.OutcomeSnooze} {
		if s := unrouted(&task.Delivery{Opts: task.Opts{Unrouted: n}}); s.Kind != want {
			t.Errorf("%d: got %s, want %s", n, s.Kind, want)
		}
	}
}

// TestVerdictOfAStop: what a stop or a cancel interrupts is no failure, at the
// last attempt neither; the group makes it a hand-back or a cancel.
func TestVerdictOfAStop(t *testing.T) {
	t.Parallel()
	e, h := &Engine{}, &handler{defaults: settings{opts: task.Opts{Retries: -1}}}
	for cause, want := range map[error]task.Kind{
		ErrDraining: task.OutcomeRetry, ErrCancelled: task.OutcomeRetry,
		ErrTimeout: task.OutcomeDead, context.Canceled: task.OutcomeDead,
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		s := e.verdict(ctx, h, &task.Delivery{Attempt: 1}, ctx.Err())
		if s.Kind != want {
			t.Errorf("cause %q: got %s, want %s", cause, s.Kind, want)
		}
	}
}

// TestBackoff: the wait doubles with the attempts of this life.
func TestBackoff(t *testing.T) {
	t.Parallel()
	e, h := &Engine{}, &handler{defaults: settings{backoff: task.Backoff{Base: time.Second, Cap: 10 * time.Second}}}
	for _, tt := range []struct {
		attempt, base int
		most          time.Duration
	}{{1, 0, time.Second}, {2, 0, 2 * time.Second}, {4, 0, 8 * time.Second}, {9, 0, 10 * time.Second}, {9, 8, time.Second}} {
		for range 100 {
			s := e.verdict(t.Context(), h, &task.Delivery{Attempt: tt.attempt, Opts: task.Opts{Base: tt.base}}, context.Canceled)
			if s.Kind != task.OutcomeRetry || s.Delay <= 0 || s.Delay > tt.most {
				t.Fatalf("attempt %d of %d: %s in %v, want a retry in up to %v", tt.attempt, tt.base, s.Kind, s.Delay, tt.most)
			}
		}
	}
}

// TestTelemetryCostsNothing without an SDK. Not parallel: it counts allocations.
func TestTelemetryCostsNothing(t *testing.T) {
	ran := 0
	run := func(context.Context, *Delivery) error { ran++; return nil }
	e := &Engine{handlers: map[string]*handler{"t": {run: run}}}
	tel, err := newTelemetry(e)
	if err != nil {
		t.Fatal(err)
	}
	defer tel.close()
	if !reflect.ValueOf(tel.observer()).IsZero() {
		t.Error("metrics are recorded for nobody")
	}
	if reflect.ValueOf(tel.consume(run)).Pointer() != reflect.ValueOf(run).Pointer() {
		t.Error("handlers are wrapped for nobody")
	}
	ctx, births := t.Context(), []task.Birth{{Type: "t"}}
	if n := testing.AllocsPerRun(100, func() {
		_, end := tel.produce(ctx, births)
		end(nil)
	}); n != 0 {
		t.Errorf("an enqueue costs %v allocations", n)
	}
	if births[0].Headers != nil {
		t.Errorf("headers %v without a span", births[0].Headers)
	}
	d := &task.Delivery{Type: "t"}
	if n := testing.AllocsPerRun(100, func() { e.perform(ctx, d) }); n > 1 {
		t.Errorf("a run costs %v allocations, want one: the context that knows its delivery", n)
	}
}

// TestTee tells all, whatever is nil; also the fields that are yet to come.
func TestTee(t *testing.T) {
	t.Parallel()
	var told []string
	observer := func(name string) Observer {
		var o Observer
		v := reflect.ValueOf(&o).Elem()
		for i := range v.NumField() {
			v.Field(i).Set(reflect.MakeFunc(v.Field(i).Type(), func([]reflect.Value) []reflect.Value {
				told = append(told, name)
				return nil
			}))
		}
		return o
	}
	a, b := observer("a"), observer("b")
	for want, tee := range map[string]Observer{
		"":     Tee(),
		"a":    Tee(a),
		"ab":   Tee(a, b),
		"abab": Tee(a, b, Observer{}, a, b),
		"b":    Tee(Observer{}, b),
		"ba":   Tee(Observer{}, Tee(b, a)),
	} {
		v := reflect.ValueOf(tee)
		for i := range v.NumField() {
			f, name := v.Field(i), v.Type().Field(i).Name
			if f.IsNil() {
				if want != "" {
					t.Errorf("%s is not told", name)
				}
				continue
			}
			told = nil
			args := make([]reflect.Value, f.Type().NumIn())
			for j := range args {
				args[j] = reflect.Zero(f.Type().In(j))
			}
			f.Call(args)
			got := ""
			for _, s := range told {
				got += s
			}
			if got != want {
				t.Errorf("%s: told %q, want %q", name, got, want)
			}
		}
	}
}

// TestPerformAllocates a context for the handler, and nothing else for one that
// reports no result. No other test runs beside.
func TestPerformAllocates(t *testing.T) {
	e := &Engine{handlers: map[string]*handler{"t": {run: func(context.Context, *task.Delivery) error { return nil }}}}
	d := &task.Delivery{Type: "t", Attempt: 1}
	if n := testing.AllocsPerRun(100, func() { e.perform(t.Context(), d) }); n != 1 {
		t.Errorf("got %v allocations, want 1", n)
	}
}
