package cli

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/task"
)

// envProgram makes the test binary the program: scripts and tests run it as
// separate processes, which they can kill.
const envProgram = "TIDEMILL_TEST_PROGRAM"

// raceOptions: the race detector lets every process sleep a second at its end.
const raceOptions = "atexit_sleep_ms=10"

// untilWithin bounds the until command of scripts.
const untilWithin = 60 * time.Second

func TestMain(m *testing.M) {
	if os.Getenv(envProgram) != "" {
		os.Exit(Main())
	}
	redistest.Main(m)
}

// world is a namespace, an engine that looks at it, and a directory for the
// program's processes.
type world struct {
	t       *testing.T
	url, ns string
	dir     string
	eng     *engine.Engine
}

func newWorld(t *testing.T, url string) *world {
	t.Helper()
	w := &world{t: t, url: url, ns: redistest.Namespace(t), dir: t.TempDir()}
	eng, err := engine.Open(t.Context(), url, engine.Options{Namespace: w.ns})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { eng.Close() })
	w.eng = eng
	return w
}

// program is a process of the program.
type program struct {
	*exec.Cmd
	t      *testing.T
	stdout *bufio.Reader
	stderr bytes.Buffer
}

// start runs a command line. It is killed at the test's end, if it still runs.
func (w *world) start(args ...string) *program {
	w.t.Helper()
	return w.startWith(nil, args...)
}

func (w *world) startWith(stdin *os.File, args ...string) *program {
	w.t.Helper()
	p := &program{Cmd: exec.Command(os.Args[0], args...), t: w.t}
	p.Dir = w.dir
	p.Env = append(os.Environ(), envProgram+"=1", "GORACE="+raceOptions, "TIDEMILL_REDIS="+w.url, "TIDEMILL_NAMESPACE="+w.ns)
	p.Stderr = &p.stderr
	if stdin != nil {
		p.Stdin = stdin
	}
	out, err := p.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	p.stdout = bufio.NewReader(out)
	if err := p.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if p.ProcessState == nil {
			p.Process.Kill()
			p.Wait()
		}
		if w.t.Failed() {
			w.t.Logf("%v:\n%s", args, &p.stderr)
		}
	})
	return p
}

func (p *program) signal(s os.Signal) {
	p.t.Helper()
	if err := p.Process.Signal(s); err != nil {
		p.t.Errorf("signal %v: %v", s, err)
	}
}

// end waits for the process and compares its exit code.
func (p *program) end(code int) {
	p.t.Helper()
	if err := p.Wait(); p.ProcessState.ExitCode() != code {
		p.t.Errorf("%v: got %v, want exit code %d", p.Args[1:], err, code)
	}
}

// eventually looks again until ok says yes.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(untilWithin); !ok(); <-again.C {
		if time.Now().After(end) {
			w.t.Fatalf("not within %s: %s", untilWithin, what)
		}
	}
}

func (w *world) exists(name string) bool {
	_, err := os.Stat(filepath.Join(w.dir, name))
	return err == nil
}

func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// stats are the numbers of the queue default.
func (w *world) stats() task.Stats {
	w.t.Helper()
	all, err := w.eng.Stats(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, q := range all.Queues {
		if q.Queue == engine.DefaultQueue {
			return q
		}
	}
	return task.Stats{}
}

func (w *world) enqueue(payloads ...string) {
	w.t.Helper()
	var births []task.Birth
	for _, p := range payloads {
		births = append(births, task.Birth{Type: "t", Payload: []byte(p)})
	}
	if _, err := w.eng.Produce(w.t.Context(), births); err != nil {
		w.t.Fatal(err)
	}
}
