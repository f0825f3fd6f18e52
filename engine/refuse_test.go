package engine_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

// TestEnqueueRefuses: bad input gets an error that says what is wrong, before
// anything is written.
func TestEnqueueRefuses(t *testing.T) {
	long := strings.Repeat("x", 65)
	good := engine.Define[string]("good")
	farAway := 11 * 365 * 24 * time.Hour
	for name, tt := range map[string]struct {
		typ  engine.Type[string]
		v    string
		opts []engine.EnqueueOption
		want error
		text string // the error holds it
	}{
		"empty type":           {typ: engine.Define[string](""), want: engine.ErrInvalidName, text: "type is empty"},
		"zero type":            {want: engine.ErrInvalidName, text: "type is empty"},
		"type with a blank":    {typ: engine.Define[string]("a b"), want: engine.ErrInvalidName, text: `"a b"`},
		"type that is long":    {typ: engine.Define[string](long), want: engine.ErrInvalidName, text: long},
		"type beginning badly": {typ: engine.Define[string](".a"), want: engine.ErrInvalidName, text: `".a"`},
		"type with a newline":  {typ: engine.Define[string]("a\n"), want: engine.ErrInvalidName, text: `"a\n"`},
		"queue of the type":    {typ: engine.Define[string]("good", engine.Queue("ä")), want: engine.ErrInvalidName, text: `queue "ä"`},
		"queue of the task":    {typ: good, opts: opts(engine.Queue("{q}")), want: engine.ErrInvalidName, text: `queue "{q}"`},
		"empty queue":          {typ: good, opts: opts(engine.Queue("")), want: engine.ErrInvalidName, text: "queue is empty"},
		"long queue":           {typ: good, opts: opts(engine.Queue(long)), want: engine.ErrInvalidName, text: long},
		"payload":              {typ: good, v: strings.Repeat("x", 1<<20), want: engine.ErrPayloadTooLarge, text: "1048578"},
		"negative retry":       {typ: good, opts: opts(engine.Retry(-1)), want: engine.ErrInvalidOption, text: "Retry: -1"},
		"retry of the type":    {typ: engine.Define[string]("good", engine.Retry(-7)), want: engine.ErrInvalidOption, text: "Retry: -7"},
		"no timeout":           {typ: good, opts: opts(engine.Timeout(0)), want: engine.ErrInvalidOption, text: "Timeout: 0s"},
		"negative timeout":     {typ: good, opts: opts(engine.Timeout(-time.Second)), want: engine.ErrInvalidOption, text: "Timeout: -1s"},
		"negative backoff":     {typ: engine.Define[string]("good", engine.Backoff(-1, 0)), want: engine.ErrInvalidOption, text: "Backoff"},
		"cap below base":       {typ: engine.Define[string]("good", engine.Backoff(time.Hour, time.Second)), want: engine.ErrInvalidOption, text: "Backoff"},
		"in eleven years":      {typ: good, opts: opts(engine.In(farAway)), want: engine.ErrInvalidOption, text: "In: "},
		"in for ever":          {typ: good, opts: opts(engine.In(math.MaxInt64)), want: engine.ErrInvalidOption, text: "In: "},
		"at in eleven years":   {typ: good, opts: opts(engine.At(time.Now().Add(farAway))), want: engine.ErrInvalidOption, text: "At: "},
		"deadline before 1970": {typ: good, opts: opts(engine.Deadline(time.Unix(-1, 0))), want: engine.ErrInvalidOption, text: "Deadline: "},
		"empty key":            {typ: good, opts: opts(engine.Key("")), want: engine.ErrInvalidOption, text: "Key: "},
		"huge key":             {typ: good, opts: opts(engine.Key(strings.Repeat("k", 1025))), want: engine.ErrInvalidOption, text: "Key: "},
		"key for no time":      {typ: good, opts: opts(engine.KeyFor("k", 0)), want: engine.ErrInvalidOption, text: "Key: "},
		"header without a key": {typ: good, opts: opts(engine.Header("", "v")), want: engine.ErrInvalidOption, text: "Header: "},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				_, err := tt.typ.Enqueue(t.Context(), w.eng, tt.v, tt.opts...)
				w.expectRefused(err, tt.want, tt.text)
			})
		})
	}
}

func opts(o ...engine.EnqueueOption) []engine.EnqueueOption { return o }

// expectRefused checks an error, and that nothing was written.
func (w *world) expectRefused(err, want error, text string) {
	w.t.Helper()
	expectIs(w.t, "enqueue", err, want)
	if err != nil && !strings.Contains(err.Error(), text) {
		w.t.Errorf("got %q, want %q in it", err, text)
	}
	queues, err := w.eng.Log().Queues(w.t.Context())
	if err != nil || len(queues) != 0 {
		w.t.Errorf("queues %v, %v, want none: something was written", queues, err)
	}
}

func TestEnqueueManyRefuses(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		typ := engine.Define[string]("good")
		_, err := typ.EnqueueMany(t.Context(), w.eng, []string{"a", "b"}, engine.Key("k"))
		w.expectRefused(err, engine.ErrInvalidOption, "Key: one key for 2 tasks")
		_, err = typ.EnqueueMany(t.Context(), w.eng, []string{"a", strings.Repeat("x", 1<<20), "c"})
		w.expectRefused(err, engine.ErrPayloadTooLarge, "at most 1048576")
		_, err = engine.Define[func()]("bad").Enqueue(t.Context(), w.eng, func() {})
		if err == nil || !strings.Contains(err.Error(), "encode payload 0") {
			t.Errorf("a payload that is no JSON: %v", err)
		}
		none, err := typ.EnqueueMany(t.Context(), w.eng, nil)
		if len(none) != 0 || err != nil {
			t.Errorf("no payloads: got %v, %v", none, err)
		}
	})
}

// TestProduceRefuses: births that no Define has checked.
func TestProduceRefuses(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for text, b := range map[string]task.Birth{
			"type is empty":       {},
			`type "a b"`:          {Type: "a b"},
			`queue "a b"`:         {Type: "good", Queue: "a b"},
			"In: more":            {Type: "good", In: 11 * 365 * 24 * time.Hour},
			"At: more":            {Type: "good", At: time.Now().Add(11 * 365 * 24 * time.Hour)},
			"Retries: -2":         {Type: "good", Opts: task.Opts{Retries: -2}},
			"Timeout: -1ns":       {Type: "good", Opts: task.Opts{Timeout: -1}},
			"1048577 bytes, at m": {Type: "good", Payload: make([]byte, 1<<20+1)},
		} {
			_, err := w.eng.Produce(t.Context(), []task.Birth{{Type: "good"}, b})
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("got %v, want %q in it", err, text)
			}
		}
		w.expectRefused(engine.ErrInvalidOption, engine.ErrInvalidOption, "")
	})
}

// TestNowOrLater: the past and nothing are now.
func TestNowOrLater(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		typ := engine.Define[int]("good")
		for name, o := range map[string]engine.EnqueueOption{
			"In 0": engine.In(0), "In -1h": engine.In(-time.Hour), "At the past": engine.At(time.Now().Add(-time.Hour)),
			"At zero": engine.At(time.Time{}), "In min": engine.In(math.MinInt64),
		} {
			expect(t, name, w.state(enqueue(t, w.eng, typ, 1, o)).State, task.Ready)
		}
		for name, o := range map[string]engine.EnqueueOption{
			"In 1ns": engine.In(1), "In 1h": engine.In(time.Hour), "At": engine.At(time.Now().Add(time.Hour)),
			"In nine years": engine.In(9 * 365 * 24 * time.Hour),
		} {
			expect(t, name, w.state(enqueue(t, w.eng, typ, 1, o)).State, task.Waiting)
		}
	})
}

// TestUnknownIDs: ids that name nothing, for every verb that takes one.
func TestUnknownIDs(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		known := enqueue(t, w.eng, engine.Define[int]("good"), 1)
		var malformed engine.ID
		expectIs(t, "malformed", malformed.UnmarshalText([]byte("no id")), engine.ErrInvalidID)
		for name, id := range map[string]engine.ID{
			"zero":              {},
			"not yet born":      task.NewID(known.Partition(), known.Epoch(), task.Position{Ms: known.Birth().Ms, LSN: known.LSN() + 100}),
			"other moment":      task.NewID(known.Partition(), known.Epoch(), task.Position{Ms: known.Birth().Ms - 5, LSN: known.LSN()}),
			"unknown partition": task.NewID(9999, 1, known.Birth()),
		} {
			_, err := w.eng.State(ctx, id)
			expectIs(t, name+": state", err, engine.ErrNotFound)
			_, err = w.eng.Wait(ctx, id)
			expectIs(t, name+": wait", err, engine.ErrNotFound)
			_, err = w.eng.Cancel(ctx, id, byTest)
			expectIs(t, name+": cancel", err, engine.ErrNotFound)
			for _, err := range w.eng.History(ctx, id) {
				expectIs(t, name+": history", err, engine.ErrNotFound)
			}
			expectIs(t, name+": requeue", w.eng.Requeue(ctx, id, byTest), engine.ErrNotFound)
		}
		expectIs(t, "requeue of a living one", w.eng.Requeue(ctx, known, byTest), engine.ErrNotDead)
	})
}

// TestWhoAndWhy: operators say both.
func TestWhoAndWhy(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		id := enqueue(t, w.eng, engine.Define[int]("good"), 1)
		for _, by := range []engine.By{{}, {Actor: "me"}, {Reason: "because"}} {
			_, err := w.eng.Cancel(ctx, id, by)
			expectIs(t, "cancel", err, engine.ErrInvalidOption)
			expectIs(t, "requeue", w.eng.Requeue(ctx, id, by), engine.ErrInvalidOption)
			expectIs(t, "pause", w.eng.Pause(ctx, "default", by), engine.ErrInvalidOption)
			expectIs(t, "resume", w.eng.Resume(ctx, "default", by), engine.ErrInvalidOption)
			_, err = w.eng.Purge(ctx, []engine.ID{id}, by)
			expectIs(t, "purge", err, engine.ErrInvalidOption)
		}
		expectIs(t, "pause of nothing", w.eng.Pause(ctx, "nothing", byTest), engine.ErrNotFound)
		expect(t, "state", w.state(id).State, task.Ready)
	})
}

// TestRunRefuses before anything runs.
func TestRunRefuses(t *testing.T) {
	t.Parallel()
	nothing := func(context.Context, int) error { return nil }
	raw := func(context.Context, *engine.Delivery) error { return nil }
	for text, prepare := range map[string]func(e *engine.Engine){
		"Run without a handler":       func(*engine.Engine) {},
		`type "twice" is handled twi`: func(e *engine.Engine) { handleTwice(e, nothing) },
		`type "raw" is handled twice`: func(e *engine.Engine) { e.HandleRaw("raw", raw); e.HandleRaw("raw", raw) },
		`type "a b"`:                  func(e *engine.Engine) { engine.Handle(e, engine.Define[int]("a b"), nothing) },
		"type is empty":               func(e *engine.Engine) { e.HandleRaw("", raw) },
		"Retry: -1":                   func(e *engine.Engine) { engine.Handle(e, engine.Define[int]("x", engine.Retry(-1)), nothing) },
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fmt.Sprintf("mem://test%d", worlds.Add(1)))
			eng := w.open(engine.Options{})
			prepare(eng)
			err := eng.Run(t.Context())
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("got %v, want %q in it", err, text)
			}
			w.expectRefused(engine.ErrInvalidOption, engine.ErrInvalidOption, "")
		})
	}
}

func handleTwice(e *engine.Engine, fn func(context.Context, int) error) {
	typ := engine.Define[int]("twice")
	engine.Handle(e, typ, fn)
	engine.Handle(e, typ, fn)
}

func TestRunTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fmt.Sprintf("mem://test%d", worlds.Add(1)))
	eng := w.open(engine.Options{})
	typ := engine.Define[int]("good")
	engine.Handle(eng, typ, func(context.Context, int) error { return nil })
	w.run(eng)
	w.wait(enqueue(t, eng, typ, 1))
	expectIs(t, "second run", eng.Run(t.Context()), engine.ErrInvalidOption)
	expectIs(t, "third run", eng.Run(t.Context()), engine.ErrInvalidOption)
}

func TestClosed(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		eng := w.open(engine.Options{})
		if err := eng.Close(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, err := engine.Define[int]("good").Enqueue(ctx, eng, 1)
		expectIs(t, "enqueue", err, engine.ErrClosed)
	})
}
