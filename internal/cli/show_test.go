package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// TestShowTellsTheWay follows a task that failed, waited, was taken over from a
// dead node and succeeded, on both kinds of servers.
func TestShowTellsTheWay(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"memory": "", "redis": redistest.URL(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if url == "" {
				url = "mem://" + redistest.Namespace(t)
			}
			tellsTheWay(newConsole(t, url))
		})
	}
}

func tellsTheWay(c *console) {
	id := c.enqueue("TASK", task.Birth{Opts: task.Opts{Retries: 3}})
	first, second := c.join("FIRST"), c.join("SECOND")
	d := c.fetch(first, 1)[0]
	c.settle(first, task.Settlement{Delivery: &d, Kind: task.OutcomeRetry, Error: "boom\nat x.go:1", Ran: 3 * time.Millisecond})
	contains(c.T, c.ok("show", id.String()), "\nlast error\n  boom\n  at x.go:1\n\ntimeline\n")
	c.release(id)
	c.fetch(first, 1)
	taken := c.reclaim(second, first.Name())
	c.same(c.masked(c.ok("show", id.String())), `
task  TASK
state  running for SPAN on SECOND
type  email.send
queue  mail
attempt  2
enqueued  TIME (SPAN ago)
payload  14 B, json
  {
  "to": "a@b.c"
  }

timeline
  TIME  born: email.send, 14 B
  TIME  +SPAN  retry in SPAN: attempt 1 failed on FIRST after SPAN: boom; at x.go:1
  TIME  +SPAN  released SPAN after it was due, for attempt 2
  TIME  +SPAN  reclaimed from FIRST by SECOND, delivery 2
  TIME  +SPAN  now: held by SECOND for SPAN, delivery 2
as of lsn 5`)
	contains(c.T, c.ok("show", id.String(), "--json"), `"lsn":5,`)
	c.settle(second, task.Settlement{Delivery: &taken[0], Kind: task.OutcomeSuccess, Ran: 20 * time.Millisecond, Result: task.Digest{0: 0xab, 15: 1}})
	got := c.masked(c.ok("show", id.String()))
	contains(c.T, got, "state  succeeded\n")
	contains(c.T, got, "reclaimed from FIRST by SECOND, delivery 2\n  TIME  +SPAN  succeeded by SECOND after SPAN, attempt 2, 1 crash before it, result ab000000000000000000000000000001\n")
	if strings.Contains(got, "now:") {
		c.Errorf("an ended task has no present: got %s", got)
	}
}

func (c *console) release(id task.ID) {
	c.Helper()
	w, err := c.log.Waiting(c.Context(), "mail", 0)
	if err != nil {
		c.Fatal(err)
	}
	defer w.Close()
	for n := 0; n == 0; { // until it is due
		if n, _, _, err = w.Release(c.Context(), []task.ID{id}); err != nil {
			c.Fatal(err)
		}
	}
}

// reclaim takes over what a consumer holds, as if it had been silent for a lease.
func (c *console) reclaim(by *streams.Session, victim string) []task.Delivery {
	c.Helper()
	records, err := by.Observe(c.Context(), true)
	if err != nil {
		c.Fatal(err)
	}
	b, _, err := by.Reclaim(c.Context(), victim, records[victim])
	if err != nil {
		c.Fatal(err)
	}
	return b.Deliveries
}

func TestShowJSON(t *testing.T) {
	t.Parallel()
	c := memory(t)
	id := c.dead("TASK", task.Birth{Headers: map[string]string{"h": "v"}, Key: "k1", KeyTTL: time.Hour})
	out := c.ok("show", id.String(), "--json")
	var got struct {
		ID, State, Error, Reason string
		Payload                  map[string]string
		History                  []struct {
			Kind, Queue, Consumer, Error string
			LSN                          int64
			RanMs                        float64 `json:"ran_ms"`
			Headers                      map[string]string
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.ID != id.String() || got.State != "dead" || got.Reason != "buried" || got.Error != "no such user\nline two" || got.Payload["to"] != "a@b.c" {
		t.Errorf("got %+v", got)
	}
	if len(rowsOf(out)) != 1 || len(got.History) != 2 {
		t.Fatalf("got %s", out)
	}
	born, died := got.History[0], got.History[1]
	if born.Kind != "born" || born.Queue != "mail" || born.Headers["h"] != "v" || born.LSN == 0 ||
		died.Kind != "dead" || died.RanMs != 1 || died.Queue != "mail" || died.Consumer == "" {
		t.Errorf("got %+v, %+v", born, died)
	}
}

func TestShowUnknown(t *testing.T) {
	t.Parallel()
	c := memory(t)
	id := c.enqueue("TASK", task.Birth{})
	other := task.NewID(id.Partition(), id.Epoch(), task.Position{Ms: id.Birth().Ms, LSN: id.LSN() + 1})
	c.call(other, "OTHER")
	c.fails(exitFailed, "tidemill: task OTHER: not found\nhint: tidemill queues lists the queues; ids are 26 characters", "show", other.String())
	c.fails(exitData, "tidemill: invalid task id: \"nope\\x1b[2J\"\nhint: an id is 26 characters, such as enqueue and ls print", "show", "nope\x1b[2J")
	c.fails(exitUsage, "tidemill: accepts 1 arg(s), received 0\nhint: tidemill help COMMAND tells what a command takes", "show")
}

func TestPreview(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                           "payload   none\n",
		`{"a":[1,2]}`:                "payload   11 B, json\n  {\n    \"a\": [\n      1,\n      2\n    ]\n  }\n",
		"{\"a\":\"\u009b\"}":         "payload   10 B, json\n  {\n    \"a\": \"\\x9b\"\n  }\n",
		"text \x1b[31m":              "payload   10 B, text\n  text \\x1b[31m\n",
		"\xff\x00":                   "payload   2 B, binary\n  00000000  ff 00                                             |..|\n",
		strings.Repeat("ä", 3<<10):   "payload   6.0 KiB, text\n  " + strings.Repeat("ä", 2<<10) + "…\n",
		strings.Repeat("line\n", 50): "payload   250 B, text\n" + strings.Repeat("  line\n", 40) + "  … --json prints all\n",
	} {
		if got := preview([]byte(in)); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	long := preview([]byte("\xff" + strings.Repeat("x", 300)))
	if n := strings.Count(long, "\n"); n != 1+16+1 || !strings.HasSuffix(long, "  …\n") {
		t.Errorf("%d lines: got\n%s", n, long)
	}
}

// TestTell: every kind has its sentence, which begins with its word.
func TestTell(t *testing.T) {
	t.Parallel()
	for _, k := range task.Kinds() {
		e := task.Event{Kind: k, Consumer: "c1", Actor: "c2", Reason: "why", Error: "boom", Attempt: 1, Crashes: 1, Ran: time.Second, Outcome: "succeeded"}
		got := places{"c1": "host/1"}.tell(&e)
		if !strings.HasPrefix(got, k.String()) {
			t.Errorf("%s: got %s", k, got)
		}
	}
	e := task.Event{Kind: task.StaleOutcome, Consumer: "c1", Attempt: 2, Outcome: "dead", Ran: time.Minute, Error: "boom"}
	if got, want := (places{"c1": "host/1"}).tell(&e), "stale_outcome refused: c1 (host/1) reported dead too late, attempt 2 after 1m0s: boom"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
