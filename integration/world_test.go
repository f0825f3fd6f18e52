package integration

import (
	"bytes"
	"context"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// world is one test's namespace, journal and worker processes. Its cleanup
// compares the history with the live state.
type world struct {
	*testing.T
	url         string
	namespace   string
	journal     string
	eng         *engine.Engine
	lease       time.Duration
	concurrency int

	read     int64 // bytes of the journal that were read, and newlines in them
	newlines int
}

func setup(t *testing.T, concurrency int, lease time.Duration) *world {
	t.Helper()
	w := &world{
		T: t, url: redistest.URL(t), namespace: redistest.Namespace(t), journal: filepath.Join(t.TempDir(), "journal"),
		lease: lease, concurrency: concurrency,
	}
	eng, err := engine.Open(t.Context(), w.url, engine.Options{Namespace: w.namespace})
	if err != nil {
		t.Fatal(err)
	}
	w.eng = eng
	t.Cleanup(func() {
		w.fsck()
		if err := eng.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// process is one worker process; done is closed when it has ended.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // of its end
}

// start starts one worker process; it is killed at the test's end.
func (w *world) start() *process {
	w.Helper()
	c := exec.Command(workerBinary)
	c.Env = append(os.Environ(), envURL+"="+w.url, envNamespace+"="+w.namespace, envJournal+"="+w.journal,
		envConcurrency+"="+strconv.Itoa(w.concurrency), envLease+"="+w.lease.String())
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		w.Fatal(err)
	}
	p := &process{cmd: c, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = c.Wait()
	}()
	w.Cleanup(p.kill)
	return p
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

func (p *process) signal(w *world, s os.Signal) {
	w.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		w.Fatal(err)
	}
}

// enqueue makes n tasks of a type.
func (w *world) enqueue(typ, payload string, n int) []task.ID {
	w.Helper()
	births := make([]task.Birth, n)
	for i := range births {
		births[i] = task.Birth{Type: task.Type(typ), Queue: engine.DefaultQueue, Payload: []byte(payload)}
	}
	got, err := w.eng.Produce(w.Context(), births)
	if err != nil {
		w.Fatal(err)
	}
	ids := make([]task.ID, n)
	for i, t := range got {
		ids[i] = t.ID
	}
	return ids
}

// until waits for ok; the limit is generous, what is measured is not.
func (w *world) until(limit time.Duration, what string, ok func() bool) {
	w.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(limit)
	for !ok() {
		select {
		case <-end:
			w.Fatalf("not within %s: %s", limit, what)
		case <-tick.C:
		}
	}
}

// stats of the default queue.
func (w *world) stats() task.Stats {
	w.Helper()
	s, err := w.eng.Stats(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return s.Queues[0]
}

// state of one task.
func (w *world) state(id task.ID) task.Status {
	w.Helper()
	st, err := w.eng.State(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	return st
}

// written is how many lines the journal has. It reads what is new, so that whoever
// waits takes little from those it waits for.
func (w *world) written() int {
	f, err := os.Open(w.journal)
	if os.IsNotExist(err) {
		return 0
	}
	if err != nil {
		w.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.NewSectionReader(f, w.read, math.MaxInt64-w.read))
	if err != nil {
		w.Fatal(err)
	}
	w.read += int64(len(b))
	w.newlines += bytes.Count(b, []byte("\n"))
	return w.newlines
}

// lines of the journal so far.
func (w *world) lines() []line { return readJournal(w.T, w.journal) }

// fsck fails the test when history and live state differ.
func (w *world) fsck() {
	w.Helper()
	r, err := replay.Fsck(context.WithoutCancel(w.Context()), w.eng.Log(), w.eng.Log())
	if err != nil {
		w.Error(err)
		return
	}
	for _, p := range r.Problems {
		w.Error(p)
	}
}
