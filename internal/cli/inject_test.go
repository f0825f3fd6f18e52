package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// evil would set the title, clear the screen, turn the text around, feign a line
// of ours and break a row, if a terminal ever got it as it is.
const evil = "\x1b]0;owned\x07\x1b[2J\u009b31m\u202etxt\u200b\r\nstate  succeeded\tx\x00\xff]]$1\r\n"

// evilText is how it is shown on one line.
const evilText = `\x1b]0;owned\x07\x1b[2J\x9b31m\u202etxt\u200b\x0d; state  succeeded`

// plain fails the test when a terminal would obey anything in it, or show less
// than there is.
func plain(t *testing.T, what, out string) {
	t.Helper()
	if !utf8.ValidString(out) {
		t.Errorf("%s: no UTF-8: %q", what, out)
	}
	for i, r := range out {
		if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			t.Errorf("%s: %U at %d of %q", what, r, i, out)
			return
		}
	}
}

// attacked is a console with a task of every state whose texts are evil.
func attacked(t *testing.T) (c *console, dead task.ID) {
	t.Helper()
	c = memory(t)
	b := task.Birth{Payload: []byte(evil), Headers: map[string]string{evil: evil}, Key: evil, KeyTTL: time.Hour}
	dead = c.enqueue("DEAD", b)
	s := c.join("CONSUMER")
	d := c.fetch(s, 1)[0]
	c.settle(s, task.Settlement{Delivery: &d, Kind: task.OutcomeRetry, Error: evil, Ran: time.Millisecond})
	c.release(dead)
	d = c.fetch(s, 1)[0]
	c.settle(s, task.Settlement{Delivery: &d, Kind: task.OutcomeDead, Error: evil, Reason: evil, Ran: time.Millisecond})
	b.Key = ""
	c.enqueue("RUNNING", b)
	c.fetch(s, 1)
	cancelled := c.enqueue("READY", b)
	if _, err := c.log.Cancel(t.Context(), cancelled, streams.By{Actor: evil, Reason: evil}); err != nil {
		t.Fatal(err)
	}
	c.enqueue("READY", b)
	b.In = time.Hour
	c.enqueue("WAITING", b)
	if err := c.log.Pause(t.Context(), "mail", streams.By{Actor: evil, Reason: evil}); err != nil {
		t.Fatal(err)
	}
	n := streams.Node{Name: evil, Host: evil, Started: time.Now(), Queues: map[task.Queue]int{evil: 1}, Holds: []string{evil}}
	if err := c.log.Announce(t.Context(), n, time.Minute); err != nil {
		t.Fatal(err)
	}
	return c, dead
}

// TestEvilTexts: no command gives a terminal what users made as they made it.
func TestEvilTexts(t *testing.T) {
	t.Parallel()
	c, dead := attacked(t)
	f, g := c.tail("--from", "start"), c.tail("--from", "start", "--json")
	f.until("paused by")
	g.until(`"kind":"paused"`)
	lines := f.end()
	plain(t, "tail", lines)
	plain(t, "tail --json", g.end())
	if got, want := len(rowsOf(lines)), 11; got != want {
		t.Errorf("tail: got %d lines, want %d:\n%s", got, want, lines)
	}
	contains(t, lines, "paused by "+evilText)
	for _, args := range [][]string{
		{"show", dead.String()},
		{"ls", "--state", "dead"},
		{"ls", "--state", "ready"},
		{"ls", "--state", "running"},
		{"ls", "--state", "waiting"},
		{"dead", "ls"},
		{"queues"},
		{"nodes"},
		{"fsck"},
		{"doctor"},
	} {
		text := c.ok(args...)
		plain(t, strings.Join(args, " "), text)
		if args[0] == "ls" && len(rowsOf(text)) != 2 {
			t.Errorf("%v: got %d rows, want 2:\n%s", args, len(rowsOf(text)), text)
		}
		plain(t, strings.Join(args, " ")+" --json", c.ok(append(args, "--json")...))
	}
}

// TestEvilShow is what the worst looks like.
func TestEvilShow(t *testing.T) {
	t.Parallel()
	c, dead := attacked(t)
	shown := func(args ...string) string {
		return strings.ReplaceAll(c.masked(c.ok(args...)), evilText+` x\x00\xff]]$1`, "EVIL")
	}
	out, timeline, _ := strings.Cut(shown("show", dead.String()), "\ntimeline\n")
	head, preview, _ := strings.Cut(out, "payload ")
	c.same(head, `
task  DEAD
state  dead: EVIL
type  email.send
queue  mail
attempt  2
enqueued  TIME (SPAN ago)
key  EVIL`)
	contains(t, preview, "56 B, binary\n  00000000  1b ")
	contains(t, preview, "\nlast error\n  \\x1b]0;owned\\x07\\x1b[2J\\x9b31m\\u202etxt\\u200b\\x0d\n  state  succeeded\tx\\x00\\xff]]$1")
	c.same(timeline, `
  TIME  born: email.send, 56 B
  TIME  +SPAN  retry in SPAN: attempt 1 failed on CONSUMER after SPAN: EVIL
  TIME  +SPAN  released SPAN after it was due, for attempt 2
  TIME  +SPAN  dead (EVIL\x0d; ): attempt 2 failed on CONSUMER after SPAN: EVIL
as of lsn 11`)
	c.same(shown("ls", "--state", "dead"), `
ID  QUEUE  TYPE  ATTEMPT  ENQUEUED  DIED  REASON  ERROR
DEAD  mail  email.send  2  SPAN ago  SPAN ago  EVIL  EVIL`)
}

// TestEvilJSON: what is escaped comes back as it was, but for bytes that are no text.
func TestEvilJSON(t *testing.T) {
	t.Parallel()
	c, dead := attacked(t)
	var got struct {
		Error, Reason, Key string
		Payload            []byte `json:"payload_base64"`
	}
	out := c.ok("show", dead.String(), "--json")
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	text := strings.ToValidUTF8(evil, "\ufffd")
	if string(got.Payload) != evil || got.Error != text || got.Reason != text || len(rowsOf(out)) != 1 {
		t.Errorf("got %+q", got)
	}
}

// TestEvilArguments: what is typed is not obeyed either.
func TestEvilArguments(t *testing.T) {
	t.Parallel()
	c := memory(t)
	c.enqueue("ID", task.Birth{})
	for _, args := range [][]string{
		{"show", evil},
		{"ls", "--state", evil},
		{"ls", "--queue", evil},
		{"pause", evil, "--reason", "r"},
		{"tail", "--from", evil},
		{"tail", "--kind", evil},
		{"dead", "requeue", evil, "--reason", "r"},
		{"enqueue", "--type", evil, "--payload", "1"},
		{"enqueue", "--type", "t", "--payload", evil},
		{"enqueue", "--type", "t", "--file", evil},
		{"enqueue", "--type", "t", "--at", evil, "--payload", "1"},
		{evil},
		{"--" + evil},
		{"--redis", evil, "queues"},
		{"--namespace", evil, "queues"},
		{"work", "--exec", evil},
		{"work", "--exec", "t=" + evil},
		{"cancel", evil, "--reason", "r"},
	} {
		r := c.run(args...)
		plain(t, strings.Join(args[:min(2, len(args))], " "), r.out+r.err)
		if r.code == exitOK {
			t.Errorf("%q: got %+v", args, r)
		}
	}
}
