package cli

import (
	"testing"
	"time"

	"github.com/tidemill/tidemill/task"
)

func TestLs(t *testing.T) {
	t.Parallel()
	c := memory(t)
	c.dead("DEAD", task.Birth{})
	c.enqueue("RUNNING", task.Birth{})
	c.fetch(c.join("CONSUMER"), 1)
	c.enqueue("READY-1", task.Birth{})
	gone := c.enqueue("GONE", task.Birth{})
	c.enqueue("READY-2", task.Birth{Payload: []byte("\xff")})
	c.enqueue("WAITING", task.Birth{In: time.Hour})
	if _, err := c.log.Cancel(t.Context(), gone, byTest); err != nil {
		t.Fatal(err)
	}
	for state, want := range map[string]string{
		"waiting": `
ID  QUEUE  TYPE  ATTEMPT  ENQUEUED  DUE  LAST ERROR
WAITING  mail  email.send  1  SPAN ago  in SPAN  -`,
		"ready": `
ID  QUEUE  TYPE  ATTEMPT  ENQUEUED  READY
READY-1  mail  email.send  1  SPAN ago  SPAN ago
READY-2  mail  email.send  1  SPAN ago  SPAN ago`,
		"running": `
ID  QUEUE  TYPE  ATTEMPT  ENQUEUED  HELD FOR  DELIVERY  CONSUMER
RUNNING  mail  email.send  1  SPAN ago  SPAN  1  CONSUMER`,
		"dead": `
ID  QUEUE  TYPE  ATTEMPT  ENQUEUED  DIED  REASON  ERROR
DEAD  mail  email.send  1  SPAN ago  SPAN ago  buried  no such user; line two`,
	} {
		c.same(c.masked(c.ok("ls", "--state", state)), want)
		c.same(c.masked(c.ok("ls", "--state", state, "--queue", "mail", "--type", "other")), "")
	}
	got := c.masked(c.ok("ls", "--state", "ready", "--json"))
	contains(t, got, `{"id":"READY-1","state":"ready","queue":"mail","type":"email.send","attempt":1,"enqueued_at":"TIME","changed_at":"TIME","payload":{"to":"a@b.c"}}`)
	contains(t, got, `"payload_base64":"/w=="`)
}

func TestLsLimit(t *testing.T) {
	t.Parallel()
	c := memory(t)
	for range 3 {
		c.enqueue("ID", task.Birth{})
	}
	want := "2 shown, there may be more: --limit N, or 0 for all"
	if out := c.fails(0, want, "ls", "--state", "ready", "--limit", "2"); len(rowsOf(out)) != 3 {
		t.Errorf("got %s", out)
	}
	if out := c.ok("ls", "--state", "ready", "--limit", "0"); len(rowsOf(out)) != 4 {
		t.Errorf("got %s", out)
	}
}

func TestLsUsage(t *testing.T) {
	t.Parallel()
	c := memory(t)
	const hint = "\nhint: tidemill help COMMAND tells what a command takes"
	c.fails(exitUsage, `tidemill: --state "": want waiting, ready, running, dead`+hint, "ls")
	c.fails(exitUsage, `tidemill: --state "sleepy": want waiting, ready, running, dead`+hint, "ls", "--state", "sleepy")
	c.fails(exitUsage, `tidemill: --state "succeeded": want waiting, ready, running, dead`+hint, "ls", "--state", "succeeded")
	c.fails(exitUsage, `tidemill: --limit -1 is negative`+hint, "ls", "--state", "dead", "--limit", "-1")
	c.fails(exitData, `tidemill: invalid name: queue "a b": letters, digits and _.:- only, a letter or digit first`, "ls", "--state", "dead", "--queue", "a b")
	c.fails(exitFailed, "tidemill: queue nope: not found\nhint: tidemill queues lists the queues; ids are 26 characters", "ls", "--state", "dead", "--queue", "nope")
}

func TestComplete(t *testing.T) {
	t.Parallel()
	c := memory(t)
	c.enqueue("ID", task.Birth{})
	for _, args := range [][]string{
		{"__complete", "ls", "--queue", ""},
		{"__complete", "pause", ""},
		{"__complete", "dead", "purge", "--queue", ""},
	} {
		contains(t, c.run(args...).out, "mail\n:4\n")
	}
	contains(t, c.run("__complete", "ls", "--state", "").out, "waiting\nready\nrunning\ndead\n:4\n")
	c.url = "redis://127.0.0.1:1"
	contains(t, c.run("__complete", "ls", "--queue", "").out, ":4\n")
	contains(t, c.run("completion", "bash").out, "# bash completion V2 for tidemill")
}
