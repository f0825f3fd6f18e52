package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/task"
)

func TestLog(t *testing.T) {
	t.Parallel()
	c := lived(t, "mem://"+redistest.Namespace(t))
	all := []string{
		"TIME  mail  1  -  epoch: the log begins",
		"TIME  mail  2  DEAD  born: email.send, 14 B",
		"TIME  mail  3  DEAD  dead (buried): attempt 1 failed on killer after SPAN: no such user; line two",
		"TIME  mail  4  READY  born: email.send, 14 B",
		"TIME  mail  5  LATER  scheduled: email.send, 14 B, due TIME",
		"TIME  mail  6  -  paused by ops: a deploy",
	}
	for _, test := range []struct {
		args  string
		lines []int
	}{
		{"", []int{1, 2, 3, 4, 5, 6}},
		{"--from 3 --to 4", []int{3, 4}},
		{"--from 1h --to 2999-01-01", []int{1, 2, 3, 4, 5, 6}},
		{"--kind dead,born", []int{2, 3, 4}},
		{"--state waiting,dead", []int{3, 5}},
		{"--actor ops", []int{6}},
		{"--error user", []int{3}},
		{"--header tenant=a", []int{2, 3}},
		{"--header tenant=b", nil},
		{"--type email.send --kind dead", []int{3}},
		{"--type other", nil},
		{"--id DEAD", []int{2, 3}},
		{"--consumer killer", []int{3}},
		{"--sample 1", []int{2, 3, 4, 5}},
		{"--queue mail --from 6", []int{6}},
	} {
		words := []string{"log"}
		for _, w := range strings.Fields(test.args) {
			words = append(words, c.unmasked(w))
		}
		var want []string
		for _, n := range test.lines {
			want = append(want, all[n-1])
		}
		t.Log(test.args)
		c.same(c.masked(c.ok(words...)), strings.Join(want, "\n"))
	}
}

// unmasked is the word that masked would put the name for.
func (c *console) unmasked(word string) string {
	for i := 0; i < len(c.pairs); i += 2 {
		if c.pairs[i+1] == word {
			return c.pairs[i]
		}
	}
	return word
}

func TestLogJSON(t *testing.T) {
	t.Parallel()
	c := lived(t, "mem://"+redistest.Namespace(t))
	var kinds []string
	for _, line := range rowsOf(c.ok("log", "--json")) {
		var e struct{ Kind, Queue string }
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Queue != "mail" {
			t.Fatalf("got %s, %v", line, err)
		}
		kinds = append(kinds, e.Kind)
	}
	if got, want := fmt.Sprint(kinds), "[epoch born dead born scheduled paused]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestLogGoesOn: what an interrupted run prints is what the next one takes.
func TestLogGoesOn(t *testing.T) {
	t.Parallel()
	c := lived(t, "mem://"+redistest.Namespace(t))
	after := regexp.MustCompile(`^2 shown, there may be more: go on with --after '(.*)'\n$`)
	var out string
	for cursor := ""; ; {
		r := c.run("log", "--limit", "2", "--after", cursor)
		out += r.out
		if r.code != exitOK || r.out == "" {
			break
		}
		m := after.FindStringSubmatch(r.err)
		if m == nil {
			t.Fatalf("got %+v", r)
		}
		cursor = m[1]
	}
	c.same(out, c.ok("log"))
}

// breaks is a stdout that interrupts at the first line.
type breaks struct {
	strings.Builder
	stop context.CancelFunc
}

func (b *breaks) Write(p []byte) (int, error) {
	b.stop()
	return b.Builder.Write(p)
}

func TestLogInterrupted(t *testing.T) {
	t.Parallel()
	c := memory(t)
	for range 50 { // more than is buffered before the first line is out
		c.enqueue("TASK", task.Birth{Payload: []byte(`"` + strings.Repeat("x", 1<<10) + `"`)})
	}
	ctx, stop := context.WithCancel(t.Context())
	out, errs := &breaks{stop: stop}, &strings.Builder{}
	code := Run(ctx, []string{"--redis", c.url, "--namespace", c.ns, "log", "--json"}, strings.NewReader(""), out, errs)
	m := regexp.MustCompile(`hint: go on with --after '(.*)'\n$`).FindStringSubmatch(errs.String())
	if code != exitInterrupted || m == nil {
		t.Fatalf("got %d, %s", code, errs)
	}
	rest := c.ok("log", "--json", "--after", m[1])
	if out.String()+rest != c.ok("log", "--json") {
		t.Errorf("got %d lines, then %d", len(rowsOf(out.String())), len(rowsOf(rest)))
	}
}

func TestLogRefuses(t *testing.T) {
	t.Parallel()
	c := lived(t, "mem://"+redistest.Namespace(t))
	for args, says := range map[string]string{
		"--kind nope":       `--kind "nope": want `,
		"--state running":   `--state "running": want waiting, ready, succeeded`,
		"--from soon":       `--from "soon": want a time`,
		"--from 5 --to 4":   "from lsn 5 is after to lsn 4",
		"--from 1h --to 2h": " is not before to ",
		"--sample 2":        "sample 2: want a fraction",
		"--limit -1":        "--limit -1 is negative",
		"--type a/b":        `--type: invalid name`,
		"--queue a/b":       `--queue: invalid name`,
		"extra":             "",
	} {
		r := c.run(append([]string{"log"}, strings.Fields(args)...)...)
		if r.code != exitUsage || !strings.Contains(r.err, says) || !strings.Contains(r.err, "\nhint: ") {
			t.Errorf("%s: got %+v", args, r)
		}
	}
	hint := "\nhint: --after takes what log printed when it ended, in single quotes"
	c.fails(exitData, `tidemill: --after: invalid cursor: "x"`+hint, "log", "--after", "x")
	c.fails(exitData, `tidemill: select: invalid cursor: there is no partition "other/0"`+hint, "log", "--after", `{"other/0":"1-1/0"}`)
	c.fails(exitData, "tidemill: invalid task id: \"x\"\nhint: an id is 26 characters, such as enqueue and ls print", "log", "--id", "x")
}

// TestEvilQuestions: no question gives a terminal what users made as they made it.
func TestEvilQuestions(t *testing.T) {
	t.Parallel()
	c, dead := attacked(t)
	for _, args := range [][]string{
		{"log"}, {"log", "--kind", "dead"}, {"state"}, {"state", "--task", dead.String()}, {"stats"}, {"stats", "--every", "1m"},
	} {
		text := c.ok(args...)
		plain(t, strings.Join(args, " "), text)
		plain(t, strings.Join(args, " ")+" --json", c.ok(append(args, "--json")...))
	}
	if got, want := len(rowsOf(c.ok("log"))), 11; got != want {
		t.Errorf("log: got %d lines, want %d", got, want)
	}
	for _, args := range [][]string{
		{"state", "--at", evil},
		{"state", "--queue", evil},
		{"log", "--type", evil},
		{"log", "--after", evil},
		{"log", "--state", evil},
		{"log", "--id", evil},
		{"stats", "--from", evil},
		{"stats", "--archive", evil},
	} {
		r := c.run(args...)
		plain(t, strings.Join(args[:2], " "), r.out+r.err)
		if r.code == exitOK {
			t.Errorf("%q: got %+v", args, r)
		}
	}
}

func TestStats(t *testing.T) {
	t.Parallel()
	c := lived(t, "mem://"+redistest.Namespace(t))
	heading := "TYPE  ENQUEUED  SUCCEEDED  RETRIED  SNOOZED  DEAD  CANCELLED  EXPIRED  WAIT P50  P95  P99  RUN P50  P95  P99\n"
	errs := "\n\nERRORS  DEAD  TYPE  ERROR  LAST  EXAMPLE\n  1  1  email.send  no such user  TIME  DEAD\n\nas of mail/0 lsn 6"
	c.same(c.masked(c.ok("stats")), heading+"email.send  3  0  0  0  1  0  0  SPAN  SPAN  SPAN  SPAN  SPAN  SPAN"+errs)
	got := c.masked(c.ok("stats", "--every", "240h", "--type", "email.send", "--top", "0"))
	contains(t, got, "FROM  "+heading+"TIME  email.send  3  0  0  0  1  0  0  ")
	contains(t, got, "\nall  email.send  3  0  0  0  1  0  0  ")
	c.same(c.ok("stats", "--type", "other"), "nothing happened then\nas of mail/0 lsn 6")

	var s struct {
		Rows, Total []struct {
			Type string
			Dead int
			Run  struct {
				N   int
				Max float64 `json:"max_ms"`
			}
		}
		Errors []struct{ Text string }
	}
	if err := json.Unmarshal([]byte(c.ok("stats", "--json", "--from", "3", "--to", "3")), &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Rows) != 1 || len(s.Total) != 1 || s.Rows[0].Dead != 1 || s.Rows[0].Type != "email.send" || s.Rows[0].Run.Max != 1 || s.Errors[0].Text != "no such user" {
		t.Errorf("got %+v", s)
	}
	for _, args := range [][]string{{"--every", "-1s"}, {"--every", "1us"}, {"--top", "-1"}, {"--from", "x"}, {"--type", "a/b"}} {
		if r := c.run(append([]string{"stats"}, args...)...); r.code != exitUsage || !strings.Contains(r.err, "\nhint: ") {
			t.Errorf("%q: got %+v", args, r)
		}
	}
}

// TestQuestionsToAnArchive: an archive answers as the log that it was made of.
func TestQuestionsToAnArchive(t *testing.T) {
	t.Parallel()
	c := lived(t, redistest.URL(t))
	dir := t.TempDir()
	c.ok("archive", "run", "--to", dir, "--once")
	for _, args := range [][]string{
		{"state"},
		{"state", "--at", "3"},
		{"log", "--json"},
		{"log", "--type", "email.send", "--kind", "dead"},
		{"log", "--id", c.unmasked("DEAD")},
		{"stats", "--every", "240h", "--json"},
		{"state", "--task", c.unmasked("DEAD")},
	} {
		c.same(c.ok(append(args, "--archive", dir)...), c.ok(args...))
	}
	began := time.Now()
	if r := (&console{T: t, url: "redis://127.0.0.1:1", ns: c.ns}).run("state", "--archive", dir); r.code != exitOK || time.Since(began) > 5*time.Second {
		t.Errorf("without a redis: got %+v", r)
	}
	if r := c.run("state", "--archive", t.TempDir()); r.code != exitData || !strings.Contains(r.err, "\nhint: ") {
		t.Errorf("no archive: got %+v", r)
	}
}

// TestQuestionsTellNoPayload: but for --json, where it is asked for.
func TestQuestionsTellNoPayload(t *testing.T) {
	t.Parallel()
	c := memory(t)
	id := c.dead("DEAD", task.Birth{Payload: []byte(canary), Headers: map[string]string{"h": canary}})
	for _, args := range [][]string{{"log"}, {"state"}, {"state", "--task", id.String()}, {"state", "--json"}, {"stats"}, {"stats", "--json"}} {
		if out := c.ok(args...); strings.Contains(out, canary) {
			t.Errorf("%q: got %s", args, out)
		}
	}
}
