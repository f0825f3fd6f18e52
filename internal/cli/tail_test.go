package cli

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidemill/tidemill/task"
)

// follower is a tail that runs until its output has what a test waits for.
type follower struct {
	c    *console
	stop context.CancelFunc
	code chan int

	mu   sync.Mutex
	out  bytes.Buffer
	want string
	seen chan struct{} // closed by Write when want has come
}

func (f *follower) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.out.Write(p)
	f.look()
	return len(p), nil
}

// look is called with mu held.
func (f *follower) look() {
	if f.want != "" && strings.Contains(f.out.String(), f.want) {
		close(f.seen)
		f.want = ""
	}
}

func (c *console) tail(args ...string) *follower {
	ctx, stop := context.WithTimeout(c.Context(), time.Minute)
	f := &follower{c: c, stop: stop, code: make(chan int, 1)}
	args = append([]string{"--redis", c.url, "--namespace", c.ns, "tail"}, args...)
	go func() { f.code <- Run(ctx, args, strings.NewReader(""), f, f) }()
	c.Cleanup(stop)
	return f
}

// until waits for a text.
func (f *follower) until(want string) {
	f.c.Helper()
	f.mu.Lock()
	seen := make(chan struct{})
	f.want, f.seen = want, seen
	f.look()
	f.mu.Unlock()
	select {
	case <-seen:
	case code := <-f.code:
		f.c.Fatalf("ended with %d, got %s", code, f.text())
	}
}

func (f *follower) text() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.out.String()
}

// end interrupts it and returns all it said.
func (f *follower) end() string {
	f.c.Helper()
	f.stop()
	if code := <-f.code; code != exitOK {
		f.c.Errorf("exit code: got %d, want 0", code)
	}
	return f.text()
}

func TestTailFromStart(t *testing.T) {
	t.Parallel()
	c := memory(t)
	c.dead("DEAD", task.Birth{})
	c.enqueue("LATER", task.Birth{In: time.Hour})
	c.ok("pause", "mail", "--reason", "evil\x1b[2J", "--actor", "ops")
	f := c.tail("--from", "start")
	f.until("paused by")
	f.until(c.enqueue("NEW", task.Birth{}).String())
	c.same(c.masked(f.end()), `
TIME  mail  1  -  epoch: the log begins
TIME  mail  2  DEAD  born: email.send, 14 B
TIME  mail  3  DEAD  dead (buried): attempt 1 failed on killer after SPAN: no such user; line two
TIME  mail  4  LATER  scheduled: email.send, 14 B, due TIME
TIME  mail  5  -  paused by ops: evil\x1b[2J
TIME  mail  6  NEW  born: email.send, 14 B`)
}

func TestTailFilters(t *testing.T) {
	t.Parallel()
	c := memory(t)
	id := c.dead("DEAD", task.Birth{})
	other := task.Birth{Queue: "other", Type: "log.write", Payload: []byte("x")}
	if _, err := c.log.Enqueue(t.Context(), []task.Birth{other}); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"--from", "start", "--kind", "dead,born", "--queue", "mail"},
		{"--from", "start", "--kind", "dead", "--kind", "born", "--type", "email.send"},
		{"--from", "2", "--queue", "mail"},
		{"--from", id.Birth().String(), "--queue", "mail"},
	} {
		f := c.tail(args...)
		f.until(" dead (buried): ")
		c.same(c.masked(f.end()), `
TIME  mail  2  DEAD  born: email.send, 14 B
TIME  mail  3  DEAD  dead (buried): attempt 1 failed on killer after SPAN: no such user; line two`)
	}
	f := c.tail("--from", "start", "--type", "log.write", "--json")
	f.until(`"payload_base64":"eA=="`)
	contains(t, f.end(), `"kind":"born","id":"`)
}

// TestTailFromEnd begins behind what there is, and sees queues that come later
// from their start.
func TestTailFromEnd(t *testing.T) {
	t.Parallel()
	c := memory(t)
	c.enqueue("OLD", task.Birth{})
	f := c.tail()
	for f.text() == "" { // until it has begun; every one of them is new to it or not at all
		c.enqueue("NEW", task.Birth{})
	}
	if _, err := c.log.Enqueue(t.Context(), []task.Birth{{Queue: "later", Type: "t"}}); err != nil {
		t.Fatal(err)
	}
	f.until("born: t, 0 B")
	got := c.masked(f.end())
	if strings.Contains(got, "OLD") || !strings.Contains(got, "later  1  -  epoch: the log begins\n") {
		t.Errorf("got %s", got)
	}
}

func TestTailUsage(t *testing.T) {
	t.Parallel()
	c := memory(t)
	c.enqueue("ID", task.Birth{})
	for _, args := range [][]string{{"tail", "--kind", "nope"}, {"tail", "--from", "yesterday"}, {"tail", "--from", "-1"}} {
		if r := c.run(args...); r.code != exitUsage || !strings.Contains(r.err, "hint: ") {
			t.Errorf("%q: got %+v", args, r)
		}
	}
	c.fails(exitFailed, "tidemill: queue nope: not found\nhint: tidemill queues lists the queues; ids are 26 characters", "tail", "--queue", "nope")
}
