package clockshim_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/integration/clockshim"
	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// slack is how far a clock may seem off because the machine is busy.
const slack = 20 * time.Second

// world is a server with a clock that moves.
type world struct {
	*testing.T
	shim   *clockshim.Shim
	client *redis.Client
}

func setup(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	redistest.URL(t) // there is a server, or the test has said what to install
	binary, ok := redisproc.Find()
	if !ok {
		t.Fatal(redisproc.ErrNotFound)
	}
	shim, err := clockshim.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := shim.Close(); err != nil {
			t.Error(err)
		}
	})
	dir, err := os.MkdirTemp("/tmp", "tm-clock-") // short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w := &world{T: t, shim: shim}
	w.start(binary, filepath.Join(dir, "s"))
	return w
}

// start runs the server until the test ends.
func (w *world) start(binary, socket string) {
	w.Helper()
	cmd := exec.Command(binary, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", filepath.Dir(socket))
	cmd.Env = append(os.Environ(), w.shim.Env()...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cmd.Wait()
	}()
	w.client = redis.NewClient(&redis.Options{Network: "unix", Addr: socket})
	w.Cleanup(func() {
		w.client.Close()
		cmd.Process.Kill()
		<-ended
		if w.Failed() {
			w.Log(out.String())
		}
	})
	w.until("the server answers", func() bool { return w.client.Ping(w.Context()).Err() == nil })
}

func (w *world) until(what string, ok func() bool) {
	w.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-end:
			w.Fatalf("not within 20 s: %s", what)
		case <-tick.C:
		}
	}
}

func (w *world) set(offset time.Duration) {
	w.Helper()
	if err := w.shim.Set(offset); err != nil {
		w.Fatal(err)
	}
	if got := w.shim.Offset(); got != offset {
		w.Errorf("offset: got %v, want %v", got, offset)
	}
}

// times are what the server says, asked twice.
func (w *world) times() map[string]time.Time {
	w.Helper()
	command, err := w.client.Time(w.Context()).Result()
	if err != nil {
		w.Fatal(err)
	}
	const ms = `local t = redis.call('TIME'); return t[1] * 1000 + math.floor(t[2] / 1000)`
	script, err := w.client.Eval(w.Context(), ms, nil).Int64()
	if err != nil {
		w.Fatal(err)
	}
	return map[string]time.Time{"TIME": command, "TIME in Lua": time.UnixMilli(script)}
}

func TestTimeJumps(t *testing.T) {
	w := setup(t)
	for _, offset := range []time.Duration{
		0, time.Hour, -time.Hour, 0, 1500 * time.Millisecond, -1500 * time.Millisecond, 24 * 365 * time.Hour, 0,
	} {
		w.set(offset)
		for name, got := range w.times() {
			if off := time.Until(got) - offset; off.Abs() > slack {
				t.Errorf("%s at %v: got %v, off by %v", name, offset, got, off)
			}
		}
	}
}

func TestSmallSteps(t *testing.T) {
	w := setup(t)
	w.set(0)
	before := w.times()["TIME"]
	w.set(-999 * time.Millisecond) // the carry of the fraction, somewhere in a second
	for i := range 200 {
		got, err := w.client.Time(t.Context()).Result()
		if err != nil {
			t.Fatal(err)
		}
		if off := got.Sub(before); off < -time.Second || off > slack {
			t.Fatalf("look %d: got %v after the first", i, off)
		}
	}
}

func TestExpiry(t *testing.T) {
	w := setup(t)
	ctx := t.Context()
	w.client.Set(ctx, "k", "v", 30*time.Minute)
	w.set(-time.Hour)
	if got := w.client.PTTL(ctx, "k").Val(); got < time.Hour || got > 91*time.Minute {
		t.Errorf("an hour back: got %v to live, want 1h30m", got)
	}
	w.set(time.Hour)
	if got, err := w.client.Get(ctx, "k").Result(); !errors.Is(err, redis.Nil) {
		t.Errorf("an hour on: got %q, %v, want it expired", got, err)
	}
	// What does not look at the wall clock goes on as ever.
	start := time.Now()
	if err := w.client.BLPop(ctx, 100*time.Millisecond, "none").Err(); !errors.Is(err, redis.Nil) {
		t.Errorf("a blocked read: got %v, want %v", err, redis.Nil)
	}
	if got := time.Since(start); got > slack {
		t.Errorf("a blocked read of 100 ms took %v", got)
	}
}

func TestWithoutCompiler(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := clockshim.Build(t.Context(), t.TempDir()); !errors.Is(err, clockshim.ErrNoCompiler) {
		t.Errorf("got %v, want %v", err, clockshim.ErrNoCompiler)
	}
}

func TestBuildFails(t *testing.T) {
	t.Parallel()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name string
		ctx  context.Context
		dir  string
		want string
	}{
		{"no directory", t.Context(), "/does/not/exist", "/does/not/exist"},
		{"space", t.Context(), "/tmp/a b", "LD_PRELOAD"},
		{"cancelled", over, t.TempDir(), "context canceled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := clockshim.Build(tt.ctx, tt.dir)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one line with %q", err, tt.want)
			}
		})
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	s, err := clockshim.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Set(time.Hour); !errors.Is(err, os.ErrClosed) {
		t.Errorf("set after close: got %v, want %v", err, os.ErrClosed)
	}
	if got := s.Offset(); got != 0 {
		t.Errorf("offset after close: got %v, want 0", got)
	}
}

// A process whose file is not there does not run with a clock that stands still.
func TestNoFile(t *testing.T) {
	t.Parallel()
	s, err := clockshim.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	cmd := exec.CommandContext(t.Context(), "true")
	cmd.Env = append(s.Env(), "TIDEMILL_CLOCK_FILE=/does/not/exist")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "TIDEMILL_CLOCK_FILE") {
		t.Errorf("got %q, %v, want a refusal", out, err)
	}
}
