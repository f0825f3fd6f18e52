//go:build unix

package cli

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/replay"
)

// Two workers, one killed: the effect of every line is there, and the history
// agrees with what is.
func TestKilledWorkerLosesNothing(t *testing.T) {
	t.Parallel()
	const n = 2000
	w := newWorld(t, redistest.URL(t))
	w.write("lines.ndjson", ndjson(n))
	if err := os.Mkdir(filepath.Join(w.dir, "effects"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.start("enqueue", "--type", "t", "--file", "lines.ndjson").end(exitOK)

	effects := func() []os.DirEntry {
		all, err := os.ReadDir(filepath.Join(w.dir, "effects"))
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	args := []string{"work", "--queue", "default=8", "--lease", "1s", "--shell", "--exec", "t=cat > $$.part && mv $$.part effects/$TIDEMILL_TASK_ID"}
	victim, survivor := w.start(args...), w.start(args...)
	w.eventually("a part of the effects", func() bool { return len(effects()) > n/5 })
	victim.signal(os.Kill)
	victim.Wait()
	w.eventually("all tasks succeeded", func() bool { return w.stats().Succeeded == n })
	survivor.signal(os.Interrupt)
	survivor.end(exitOK)

	seen := map[string]bool{}
	for _, e := range effects() {
		b, err := os.ReadFile(filepath.Join(w.dir, "effects", e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		seen[string(b)] = true
	}
	for line := range strings.Lines(ndjson(n)) {
		if !seen[strings.TrimSpace(line)] {
			t.Errorf("no effect of %s", line)
		}
	}
	if s := w.stats(); len(seen) != n || s.Ready+s.Running+s.Waiting+s.Buried+s.Retried != 0 {
		t.Errorf("got %d effects, %+v", len(seen), s)
	}
	if !strings.Contains(survivor.stderr.String(), "deliveries reclaimed") {
		t.Error("nothing was reclaimed: the kill hit an idle worker")
	}
	if r, err := replay.Fsck(t.Context(), w.eng.Log(), w.eng.Log()); err != nil || !r.OK() {
		t.Errorf("fsck: %v, %v", r, err)
	}
}

// Ctrl-C lets what runs end, and starts nothing more.
func TestWorkDrains(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.URL(t))
	w.enqueue("1", "2")
	p := w.start("work", "--queue", "default=1", "--shell", "--exec", "t=echo >> began; until [ -e go ]; do sleep 0.02; done; echo >> ended")
	w.eventually("a command runs", func() bool { return w.exists("began") })
	p.signal(os.Interrupt)
	w.eventually("the other task went back", func() bool { s := w.stats(); return s.Ready+s.Running == 2 && s.Running <= 1 })
	w.write("go", "")
	p.end(exitOK)
	if s := w.stats(); s.Succeeded != 1 || s.Ready != 1 || s.Running != 0 {
		t.Errorf("got %+v, want 1 succeeded and 1 ready", s)
	}
	for _, name := range []string{"began", "ended"} {
		if b, err := os.ReadFile(filepath.Join(w.dir, name)); err != nil || len(b) != 1 {
			t.Errorf("%s: got %q, %v, want one line", name, b, err)
		}
	}
}

// When the drain is over the command is ended and its task goes back, unspent.
func TestWorkDrainIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.URL(t))
	w.enqueue("1")
	p := w.start("work", "--drain", "50ms", "--shell", "--exec", "t=trap '' TERM; echo; exec sleep 300")
	for range 2 { // what work says, what the command says
		if _, err := p.stdout.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	p.signal(os.Interrupt)
	if rest, err := io.ReadAll(p.stdout); err != nil || len(rest) > 0 { // ends when the command has, too
		t.Errorf("got %q, %v", rest, err)
	}
	p.end(exitOK)
	if s := w.stats(); s.Ready != 1 || s.Retried != 0 || s.Buried != 0 {
		t.Errorf("got %+v, want 1 ready", s)
	}
}

func TestWorkHealth(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redisproc.Options{})
	w := newWorld(t, server.URL())
	w.enqueue("1")
	p := w.start("work", "--health", "0", "--shell", "--exec", "t=trap '' TERM; touch began; while :; do sleep 300; done")
	line, err := p.stdout.ReadString('\n')
	_, addr, ok := strings.Cut(strings.TrimSpace(line), "health http://")
	if !ok {
		t.Fatalf("got %q, %v", line, err)
	}
	answers := func(path, want string) func() bool {
		return func() bool {
			r, err := http.Get("http://" + addr + path)
			if err != nil {
				return false
			}
			defer r.Body.Close()
			body, err := io.ReadAll(r.Body)
			return err == nil && fmt.Sprintf("%d %s", r.StatusCode, body) == want
		}
	}
	w.eventually("ready", answers("/readyz", "200 ok\n"))
	w.eventually("a command runs", func() bool { return w.exists("began") })
	if err := server.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	w.eventually("not ready without redis", answers("/readyz", "503 redis does not answer\n"))
	if !answers("/healthz", "200 ok\n")() {
		t.Error("without redis: want it to live")
	}
	if err := server.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	w.eventually("ready again", answers("/readyz", "200 ok\n"))
	p.signal(os.Interrupt)
	w.eventually("draining", answers("/readyz", "503 draining\n"))

	// A second Ctrl-C leaves at once, and takes the command with it.
	ended := make(chan error, 1)
	go func() { ended <- p.Wait() }()
	w.eventually("it leaves", func() bool {
		_ = p.Process.Signal(os.Interrupt)
		select {
		case <-ended:
			return true
		default:
			return false
		}
	})
	if s := p.ProcessState.Sys().(syscall.WaitStatus); s.Signal() != syscall.SIGINT {
		t.Errorf("got %v, want it ended by the signal", p.ProcessState)
	}
}
