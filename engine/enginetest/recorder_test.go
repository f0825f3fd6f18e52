package enginetest_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/engine/enginetest"
	"github.com/tidemill/tidemill/task"
)

type point struct{ X, Y int }

var (
	move  = engine.Define[point]("move", engine.Queue("q"), engine.Retry(2), engine.Header("a", "1"))
	bytes = engine.Define[[]byte]("bytes")
)

func TestRecorderBirths(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	var rec enginetest.Recorder
	if _, err := move.EnqueueMany(ctx, &rec, []point{{1, 2}, {3, 4}}, engine.In(time.Hour)); err != nil {
		t.Fatal(err)
	}
	payload := []byte("raw")
	if _, err := bytes.Enqueue(ctx, &rec, payload); err != nil {
		t.Fatal(err)
	}
	payload[0] = 'X' // the caller may reuse it
	if _, err := rec.Produce(ctx, []task.Birth{{Type: "plain"}}); err != nil {
		t.Fatal(err)
	}
	opts, headers := task.Opts{Retries: 2}, map[string]string{"a": "1"}
	want := []task.Birth{
		{Type: "move", Queue: "q", Payload: []byte(`{"X":1,"Y":2}`), Headers: headers, Opts: opts, In: time.Hour},
		{Type: "move", Queue: "q", Payload: []byte(`{"X":3,"Y":4}`), Headers: headers, Opts: opts, In: time.Hour},
		{Type: "bytes", Queue: "default", Payload: []byte("raw")},
		{Type: "plain", Queue: "default"},
	}
	if diff := cmp.Diff(want, rec.Births()); diff != "" {
		t.Errorf("births (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]point{{1, 2}, {3, 4}}, enginetest.Of(&rec, move)); diff != "" {
		t.Errorf("moves (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([][]byte{[]byte("raw")}, enginetest.Of(&rec, bytes)); diff != "" {
		t.Errorf("bytes (-want +got):\n%s", diff)
	}
	rec.Reset()
	if n := len(rec.Births()); n != 0 {
		t.Errorf("%d births after a reset", n)
	}
}

func TestRecorderIDs(t *testing.T) {
	t.Parallel()
	var rec enginetest.Recorder
	var mu sync.Mutex
	seen := map[engine.ID]bool{}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for range 100 {
				made, err := move.Enqueue(context.Background(), &rec, point{})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				seen[made.ID] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != 1000 {
		t.Errorf("%d different ids of 1000", len(seen))
	}
	for id := range seen {
		back, err := task.ParseID(id.String())
		if err != nil || back != id || time.Since(id.Time()) > time.Minute {
			t.Fatalf("id %s is not plausible: %v", id, err)
		}
	}
}

func TestRecorderKeys(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	var rec enginetest.Recorder
	first, _ := move.Enqueue(ctx, &rec, point{1, 1}, engine.Key("k"))
	again, _ := move.Enqueue(ctx, &rec, point{2, 2}, engine.Key("k"))
	other, _ := bytes.Enqueue(ctx, &rec, nil, engine.Key("k"))
	if first.Existing || !again.Existing || again.ID != first.ID || other.Existing {
		t.Errorf("got %+v, %+v, and %+v of another type", first, again, other)
	}
	if diff := cmp.Diff([]point{{1, 1}}, enginetest.Of(&rec, move)); diff != "" {
		t.Errorf("moves (-want +got):\n%s", diff)
	}
	rec.Reset()
	if made, _ := move.Enqueue(ctx, &rec, point{3, 3}, engine.Key("k")); made.Existing {
		t.Error("the key outlived a reset")
	}
}

func TestRecorderFails(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var rec enginetest.Recorder
	enqueue := func(want error, v []byte) {
		t.Helper()
		if _, err := bytes.Enqueue(ctx, &rec, v); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	rec.FailWith(engine.ErrUncertain)
	enqueue(engine.ErrUncertain, nil)
	rec.FailWith(nil)
	enqueue(engine.ErrPayloadTooLarge, make([]byte, engine.DefaultMaxPayload+1))
	if _, err := bytes.Enqueue(ctx, &rec, nil, engine.Retry(-1)); !errors.Is(err, engine.ErrInvalidOption) {
		t.Errorf("bad option: %v", err)
	}
	cancel()
	enqueue(context.Canceled, nil)
	if n := len(rec.Births()); n != 0 {
		t.Errorf("%d births by calls that failed", n)
	}
}

func TestOfForeignPayload(t *testing.T) {
	t.Parallel()
	var rec enginetest.Recorder
	if _, err := rec.Produce(t.Context(), []task.Birth{{Type: "move", Payload: []byte("{")}}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if v, _ := recover().(string); !strings.Contains(v, "payload of a move") {
			t.Errorf("panic %q", v)
		}
	}()
	enginetest.Of(&rec, move)
}
