package witness_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/integration/check"
	"github.com/tidemill/tidemill/integration/history"
	"github.com/tidemill/tidemill/integration/witness"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/task"
)

const (
	patience = 60 * time.Second
	typ      = "planned"
)

// world is a run in one process: an engine, its handlers' journal, a client and
// a witness.
type world struct {
	t       *testing.T
	dir, ns string
	client  redis.UniversalClient
	eng     *engine.Engine
	ops     *history.Lines
	effects *history.Effects
	w       *witness.Witness
	calls   int64
	stop    context.CancelFunc
	ended   chan error
}

func newWorld(t *testing.T, url string, keep engine.Retention) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), ns: redistest.Namespace(t), ended: make(chan error, 1)}
	o, err := redis.ParseURL(url)
	w.must(err)
	w.client = redis.NewClient(o)
	t.Cleanup(func() { w.must(w.client.Close()) })
	w.ops, err = history.Append(filepath.Join(w.dir, "ops-client.jsonl"))
	w.must(err)
	w.effects, err = history.OpenEffects(filepath.Join(w.dir, "effects"))
	w.must(err)
	w.eng, err = engine.Open(t.Context(), url, engine.Options{
		Namespace: w.ns, Queues: map[string]int{"default": 16}, Retention: keep, Lease: time.Second,
	})
	w.must(err)
	t.Cleanup(func() { w.must(w.eng.Close()) })
	w.eng.HandleRaw(typ, (&handlers{effects: w.effects, node: node()}).handle)
	w.w, err = witness.Follow(t.Context(), w.client, w.ns, w.dir)
	w.must(err)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// start runs the engine until the world is stopped.
func (w *world) start() {
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	go func() { w.ended <- w.eng.Run(ctx) }()
	w.t.Cleanup(cancel)
}

// enqueue makes one task and notes what was asked and told.
func (w *world) enqueue(plan string, change func(*task.Birth)) engine.ID {
	w.t.Helper()
	w.calls++
	tag := fmt.Sprintf("1-%d", w.calls)
	b := task.Birth{Type: typ, Queue: "default", Payload: []byte(tag + " " + plan)}
	if change != nil {
		change(&b)
	}
	birth := history.Birth{Tag: tag, Queue: "default", Plan: plan, InMs: b.In.Milliseconds(), Key: b.Key}
	op := history.Op{T: history.Now(), N: w.calls, Do: history.Enqueue, Res: history.Invoke, Births: []history.Birth{birth}}
	w.must(w.ops.Write(op))
	made, err := w.eng.Produce(w.t.Context(), []task.Birth{b})
	w.must(err)
	w.must(w.ops.Write(history.Op{
		T: history.Now(), N: w.calls, Do: history.Enqueue, Res: history.OK,
		IDs: []string{made[0].ID.String()}, Known: []bool{made[0].Existing},
	}))
	return made[0].ID
}

// operate asks for a cancel or a requeue.
func (w *world) operate(do string, id engine.ID) {
	w.t.Helper()
	w.calls++
	op := history.Op{T: history.Now(), N: w.calls, Do: do, Res: history.Invoke, ID: id.String()}
	w.must(w.ops.Write(op))
	by := engine.By{Actor: "test", Reason: fmt.Sprint(w.calls)}
	var err error
	if do == history.Cancel {
		_, err = w.eng.Cancel(w.t.Context(), id, by)
	} else {
		err = w.eng.Requeue(w.t.Context(), id, by)
	}
	w.must(err)
	op.T, op.Res = history.Now(), history.OK
	w.must(w.ops.Write(op))
}

// wait waits for the end of a task. One whose history was trimmed has ended.
func (w *world) wait(id engine.ID) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	st, err := w.eng.Wait(ctx, id)
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		w.t.Fatalf("%s %s: %v", id, st.State, err)
	}
}

// finish stops everything and writes what the checker reads.
func (w *world) finish(faults ...history.Fault) {
	w.t.Helper()
	w.stop()
	w.must(<-w.ended)
	w.must(w.w.Finish(w.t.Context()))
	w.must(errors.Join(w.ops.Close(), w.effects.Close()))
	log, err := history.Append(filepath.Join(w.dir, "faults.jsonl"))
	w.must(err)
	for _, f := range faults {
		w.must(log.Write(f))
	}
	w.must(log.Close())
	b, err := json.Marshal(history.Run{Namespace: w.ns, Drained: true})
	w.must(err)
	w.must(os.WriteFile(filepath.Join(w.dir, "run.json"), b, 0o600))
}

func (w *world) check() check.Report {
	w.t.Helper()
	r, err := check.Dir(w.dir)
	w.must(err)
	return r
}

// eventually waits for what must come to be.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(patience); !ok(); <-look.C {
		if time.Now().After(end) {
			w.t.Fatalf("never: %s", what)
		}
	}
}
