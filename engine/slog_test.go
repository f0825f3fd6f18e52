package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/engine"
)

// lines is where a log goes.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// TestSlog: levels by how much it matters; payloads and headers never.
func TestSlog(t *testing.T) {
	t.Parallel()
	var out lines
	w := newWorld(t, fmt.Sprintf("mem://test%d", worlds.Add(1)))
	logger := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	eng := w.open(engine.Options{Observer: engine.Slog(logger)})
	typ := engine.Define[string]("t", engine.Retry(1), quickly)
	engine.Handle(eng, typ, func(ctx context.Context, _ string) error {
		if d, _ := engine.Current(ctx); d.Attempt == 1 {
			return errBoom
		}
		panic("ouch")
	})
	fine := engine.Define[string]("fine")
	engine.Handle(eng, fine, func(context.Context, string) error { return nil })
	stop := w.run(eng)
	id := enqueue(t, eng, typ, "s3cret", engine.Header("authorization", "s3cret"))
	w.wait(id)
	w.wait(enqueue(t, eng, fine, "s3cret"))
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	text := out.b.String()
	if strings.Contains(text, "s3cret") {
		t.Error("a payload or a header was logged")
	}
	var got []string
	for line := range strings.Lines(text) {
		var e struct{ Level, Msg, Task, Type, Outcome, Reason string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Type == "t" && e.Task != id.String() {
			t.Errorf("task %q, want %s", e.Task, id)
		}
		got = append(got, strings.Join(strings.Fields(strings.Join([]string{e.Level, e.Msg, e.Type, e.Outcome, e.Reason}, " ")), " "))
	}
	want := []string{
		"INFO redis opened",
		"INFO task settled t retry",
		"ERROR handler panicked t",
		"WARN task settled t dead retries",
		"DEBUG task settled fine succeeded",
	}
	slices.Sort(want) // an attempt may be under way before its last one's outcome is told
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s\n%s", diff, text)
	}
}
