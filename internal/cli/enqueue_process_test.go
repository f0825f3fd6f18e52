package cli

import (
	"context"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
)

// Lines of a pipe are enqueued as they come, not when the pipe ends; and an
// interrupt says how many are in.
func TestEnqueueInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.URL(t))
	r, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	p := w.startWith(r, "enqueue", "--type", "t", "-")
	r.Close()
	if _, err := pipe.WriteString(ndjson(10) + `{"id":11`); err != nil {
		t.Fatal(err)
	}
	w.eventually("ten lines are in", func() bool { return w.stats().Enqueued == 10 })
	p.signal(os.Interrupt)
	p.end(exitInterrupted)
	if got := p.stderr.String(); !strings.Contains(got, "line 11: interrupted") || !strings.Contains(got, "(10 enqueued, 0 existed)") {
		t.Errorf("got %s", got)
	}
}

// A full Redis is exit code 75, and what is said to be in is in.
func TestEnqueueBackpressure(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redisproc.Options{Args: []string{"--maxmemory", "4mb"}})
	w := newWorld(t, server.URL())
	line := `"` + strings.Repeat("x", 1000) + "\"\n"
	w.write("lines.ndjson", strings.Repeat(line, 5000))
	p := w.start("enqueue", "--type", "t", "--file", "lines.ndjson")
	p.end(exitBackpressure)
	got := regexp.MustCompile(`line (\d+): enqueue t: back-pressure: memory \((\d+) enqueued, 0 existed\)\nhint: .*go on from line`).FindStringSubmatch(p.stderr.String())
	if got == nil {
		t.Fatalf("got %s", p.stderr.String())
	}
	next, _ := strconv.Atoi(got[1])
	in, _ := strconv.Atoi(got[2])
	if s := w.stats(); in == 0 || next != in+1 || s.Enqueued != int64(in) || s.Ready != int64(in) {
		t.Errorf("got %s, want %d enqueued", got[0], s.Enqueued)
	}
}

// Run is the program in this process: its ctx ends what it does.
func TestRunHeedsItsContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.URL(t))
	ctx, cancel := context.WithCancel(t.Context())
	r, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	cancel()
	var out, errw strings.Builder
	code := Run(ctx, []string{"enqueue", "--redis", w.url, "--namespace", w.ns, "--type", "t", "-"}, r, &out, &errw)
	if code != exitInterrupted {
		t.Errorf("got exit code %d: %s", code, &errw)
	}
	if s := w.stats(); s.Queue == engine.DefaultQueue {
		t.Errorf("got %+v, want no queue", s)
	}
}
