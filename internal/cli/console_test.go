package cli

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// console is a namespace of its own and a command line that looks at it.
type console struct {
	*testing.T
	url, ns string
	log     *streams.Log
	names   *strings.Replacer // what masked puts for ids
	pairs   []string
}

var byTest = streams.By{Actor: "tester", Reason: "because"}

// memory gives a console on a server inside the test.
func memory(t *testing.T) *console { return newConsole(t, "mem://"+redistest.Namespace(t)) }

func newConsole(t *testing.T, url string) *console {
	t.Helper()
	c := &console{T: t, url: url, ns: redistest.Namespace(t)}
	var err error
	if c.log, err = streams.New(url, streams.Options{Namespace: c.ns}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.log.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// result is what one command line came to.
type result struct {
	code     int
	out, err string
}

func (c *console) run(args ...string) result {
	c.Helper()
	return c.runContext(c.Context(), args...)
}

func (c *console) runContext(ctx context.Context, args ...string) result {
	var out, errs bytes.Buffer
	args = append([]string{"--redis", c.url, "--namespace", c.ns}, args...)
	code := Run(ctx, args, strings.NewReader(""), &out, &errs)
	return result{code: code, out: out.String(), err: errs.String()}
}

// ok runs a command line that succeeds without a word on stderr.
func (c *console) ok(args ...string) string {
	c.Helper()
	r := c.run(args...)
	if r.code != 0 || r.err != "" {
		c.Fatalf("%q: exit code %d, stderr %s", args, r.code, r.err)
	}
	return r.out
}

// fails runs a command line that fails, and compares what it says on stderr.
func (c *console) fails(code int, stderr string, args ...string) string {
	c.Helper()
	r := c.run(args...)
	if r.code != code {
		c.Errorf("%q: exit code: got %d, want %d", args, r.code, code)
	}
	c.same(c.masked(r.err), stderr)
	return r.out
}

func (c *console) same(got, want string) {
	c.Helper()
	if diff := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(got)); diff != "" {
		c.Errorf("- want, + got:\n%s", diff)
	}
}

// call gives an id or a consumer a name for masked.
func (c *console) call(id fmt.Stringer, name string) string {
	c.pairs = append(c.pairs, id.String(), name)
	c.names = strings.NewReplacer(c.pairs...)
	return id.String()
}

var (
	stampPattern = regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?`)
	spanPattern  = regexp.MustCompile(`\b(\d+(\.\d+)?(µs|ms|s|m|h|d))+\b`)
	placePattern = regexp.MustCompile(`\b\d{13}-\d+\b`)
	blankPattern = regexp.MustCompile(`  +`)
)

// masked puts names for ids, TIME, SPAN and ENTRY for what differs between runs,
// and evens out the columns.
func (c *console) masked(s string) string {
	if c.names != nil {
		s = c.names.Replace(s)
	}
	s = stampPattern.ReplaceAllString(s, "TIME")
	s = placePattern.ReplaceAllString(s, "ENTRY")
	s = spanPattern.ReplaceAllString(s, "SPAN")
	return blankPattern.ReplaceAllString(s, "  ")
}

// enqueue makes one task and names it.
func (c *console) enqueue(name string, b task.Birth) task.ID {
	c.Helper()
	b.Queue, b.Type = "mail", "email.send"
	if b.Payload == nil {
		b.Payload = []byte(`{"to":"a@b.c"}`)
	}
	got, err := c.log.Enqueue(c.Context(), []task.Birth{b})
	if err != nil {
		c.Fatal(err)
	}
	c.call(got[0].ID, name)
	return got[0].ID
}

type word string

func (w word) String() string { return string(w) }

// join makes a consumer on the queue and names it.
func (c *console) join(name string) *streams.Session {
	c.Helper()
	s, err := c.log.Join(c.Context(), "mail", 0)
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(s.Interrupt)
	c.call(word(s.Name()), name)
	return s
}

func (c *console) fetch(s *streams.Session, n int) []task.Delivery {
	c.Helper()
	b, err := s.Fetch(c.Context(), n, time.Second)
	if err != nil {
		c.Fatal(err)
	}
	if len(b.Deliveries) != n {
		c.Fatalf("got %d deliveries, want %d", len(b.Deliveries), n)
	}
	return b.Deliveries
}

func (c *console) settle(s *streams.Session, o task.Settlement) {
	c.Helper()
	answers, err := s.Settle(c.Context(), []task.Settlement{o})
	if err != nil || answers[0] != task.Recorded {
		c.Fatalf("settle: got %c, %v", answers, err)
	}
}

// dead makes a task that failed for good.
func (c *console) dead(name string, b task.Birth) task.ID {
	c.Helper()
	id := c.enqueue(name, b)
	s := c.join("killer")
	d := c.fetch(s, 1)[0]
	c.settle(s, task.Settlement{Delivery: &d, Kind: task.OutcomeDead, Reason: "buried", Error: "no such user\nline two", Ran: time.Millisecond})
	return id
}
