package enginetest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/engine/enginetest"
)

var errBoom = errors.New("boom")

func TestRun(t *testing.T) {
	t.Parallel()
	typ := engine.Define[string]("t", engine.Retry(2), engine.Backoff(time.Second, time.Minute), engine.Timeout(20*time.Millisecond))
	fail := func(err error) func(context.Context, string) error {
		return func(context.Context, string) error { return err }
	}
	for name, tt := range map[string]struct {
		fn   func(context.Context, string) error
		opts []enginetest.Option
		want enginetest.Result // Delay: the most it may be
		err  error
	}{
		"success":     {fn: fail(nil), want: enginetest.Result{Verdict: enginetest.Succeeded}},
		"failure":     {fn: fail(errBoom), want: enginetest.Result{Verdict: enginetest.Retry, Delay: time.Second}, err: errBoom},
		"second one":  {fn: fail(errBoom), opts: attempt(2), want: enginetest.Result{Verdict: enginetest.Retry, Delay: 2 * time.Second}, err: errBoom},
		"the last":    {fn: fail(errBoom), opts: attempt(3), want: enginetest.Result{Verdict: enginetest.Buried, Reason: "retries"}, err: errBoom},
		"no retries":  {fn: fail(errBoom), opts: with(engine.Retry(0)), want: enginetest.Result{Verdict: enginetest.Buried, Reason: "retries"}, err: errBoom},
		"snoozed":     {fn: fail(engine.Snooze(time.Hour)), want: enginetest.Result{Verdict: enginetest.Snoozed, Delay: time.Hour}},
		"buried":      {fn: fail(engine.Bury(errBoom)), want: enginetest.Result{Verdict: enginetest.Buried, Reason: "buried"}, err: errBoom},
		"retry in":    {fn: fail(engine.RetryIn(time.Hour, errBoom)), want: enginetest.Result{Verdict: enginetest.Retry, Delay: time.Hour}, err: errBoom},
		"its timeout": {fn: untilDone, want: enginetest.Result{Verdict: enginetest.Retry, Delay: time.Second}, err: engine.ErrTimeout},
		"deadline": {
			fn: func(context.Context, string) error { panic("it ran") }, opts: with(engine.Deadline(time.Now().Add(-time.Hour))),
			want: enginetest.Result{Verdict: enginetest.Expired},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := enginetest.Run(t.Context(), typ, tt.fn, "x", tt.opts...)
			if got.Verdict != tt.want.Verdict || got.Reason != tt.want.Reason || got.Delay > tt.want.Delay || !errors.Is(got.Err, tt.err) {
				t.Errorf("got %v (%v), want %v with %v", got, got.Err, tt.want, tt.err)
			}
		})
	}
}

func attempt(n int) []enginetest.Option { return []enginetest.Option{enginetest.Attempt(n)} }

func with(o ...engine.EnqueueOption) []enginetest.Option {
	return []enginetest.Option{enginetest.With(o...)}
}

func untilDone(ctx context.Context, _ string) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

// TestRunDelivery: what the handler sees is what a node would show it.
func TestRunDelivery(t *testing.T) {
	t.Parallel()
	typ := engine.Define[map[string]int]("t", engine.Queue("q"), engine.Header("a", "1"))
	got := enginetest.Run(t.Context(), typ, func(ctx context.Context, v map[string]int) error {
		d, ok := engine.Current(ctx)
		if !ok || d.Type != "t" || d.Queue != "q" || d.Attempt != 4 || d.ID.IsZero() {
			t.Errorf("delivery %+v", d)
		}
		if fmt.Sprint(d.Headers) != "map[a:1 b:2]" || v["n"] != 7 || time.Since(d.EnqueuedAt) > time.Minute {
			t.Errorf("headers %v, payload %v, enqueued %v", d.Headers, v, d.EnqueuedAt)
		}
		return nil
	}, map[string]int{"n": 7}, enginetest.Attempt(4), enginetest.With(engine.Header("b", "2")))
	if got.Verdict != enginetest.Succeeded {
		t.Error(got)
	}
}

func TestRunPanic(t *testing.T) {
	t.Parallel()
	typ := engine.Define[int]("t")
	got := enginetest.Run(t.Context(), typ, func(context.Context, int) error { panic("ouch") }, 1)
	if got.Verdict != enginetest.Retry || !strings.HasPrefix(got.Err.Error(), "panic: ouch\n") {
		t.Errorf("got %v", got)
	}
}

// picky marshals to what it does not unmarshal.
type picky struct{}

func (picky) MarshalJSON() ([]byte, error)  { return []byte(`"x"`), nil }
func (*picky) UnmarshalJSON(b []byte) error { return errBoom }

func TestRunDecode(t *testing.T) {
	t.Parallel()
	got := enginetest.Run(t.Context(), engine.Define[picky]("t"), func(context.Context, picky) error { return nil }, picky{})
	if got.Verdict != enginetest.Buried || got.Reason != "decode" || got.Err == nil {
		t.Errorf("got %v", got)
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	defer func() {
		if v, _ := recover().(string); !strings.Contains(v, "invalid name") {
			t.Errorf("panic %q", v)
		}
	}()
	enginetest.Run(t.Context(), engine.Define[int]("a b"), func(context.Context, int) error { return nil }, 1)
}
