package engine_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// Tasks that handlers enqueue name the task they come from, and the first of the
// chain; what the caller sets itself stays. Every outcome tells the version.
func TestCause(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		ctx, stop := context.WithCancel(t.Context())
		eng := w.open(engine.Options{Version: "v1.4.2"})
		step := engine.Define[int]("step")
		engine.Handle(eng, step, func(ctx context.Context, left int) error {
			if left == 0 {
				return nil
			}
			_, err := step.Enqueue(ctx, eng, left-1, engine.Header("tenant", "acme"))
			return err
		})
		done := make(chan error)
		go func() { done <- eng.Run(ctx) }()
		first, err := step.Enqueue(ctx, eng, 2)
		if err != nil {
			t.Fatal(err)
		}
		given, err := step.Enqueue(ctx, eng, 1, engine.Header(engine.HeaderCorrelation, "order-7"))
		if err != nil {
			t.Fatal(err)
		}
		ended := 0 // a task may end before the one that enqueued it
		chain := func(correlation string) (born []task.ID, causes []string) {
			ended = 0
			for e, err := range replay.Select(t.Context(), w.eng.Log(), replay.Filter{Headers: map[string]string{engine.HeaderCorrelation: correlation}}, nil) {
				if err != nil {
					t.Fatal(err)
				}
				switch e.Kind {
				case task.Born:
					born, causes = append(born, e.Task), append(causes, e.Headers[engine.HeaderCause])
				case task.OutcomeSuccess:
					if ended++; task.VersionOf(e.Consumer) != "v1.4.2" {
						t.Errorf("settled by %s", e.Consumer)
					}
				}
			}
			return born, causes
		}
		for _, correlation := range []string{first.ID.String(), "order-7"} {
			eventually(t, "the chain "+correlation, func() bool {
				chain(correlation)
				return ended == 2
			})
		}
		stop()
		if err := <-done; err != nil { // the first has ended too
			t.Error(err)
		}
		born, causes := chain(first.ID.String())
		if causes[0] != first.ID.String() || causes[1] != born[0].String() {
			t.Errorf("causes %q of %v after %s", causes, born, first.ID)
		}
		if _, causes = chain("order-7"); causes[0] != "" || causes[1] != given.ID.String() {
			t.Errorf("causes %q after %s", causes, given.ID)
		}
		host, err := os.Hostname()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			by   replay.Filter
			want int
		}{
			{replay.Filter{Versions: []string{"v1.4.2"}}, 5},
			{replay.Filter{Versions: []string{"v1.4"}}, 0},
			{replay.Filter{Hosts: []string{host}}, 5},
			{replay.Filter{Hosts: []string{host + "-b"}}, 0},
		} {
			n := 0
			for _, err := range replay.Select(t.Context(), w.eng.Log(), c.by, nil) {
				if n++; err != nil {
					t.Fatal(err)
				}
			}
			if n != c.want {
				t.Errorf("%d events by %+v, want %d", n, c.by, c.want)
			}
		}
	})
}

func TestVersionRefused(t *testing.T) {
	t.Parallel()
	if _, err := engine.Open(t.Context(), "mem://", engine.Options{Version: "v1 beta"}); !errors.Is(err, engine.ErrInvalidOption) {
		t.Errorf("got %v", err)
	}
}
