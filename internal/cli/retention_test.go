package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

func TestRetention(t *testing.T) {
	t.Parallel()
	c := memory(t)
	c.enqueue("ID", task.Birth{})
	const unset = "QUEUE  PARTITION  AGE  BYTES  DEAD\nmail  0  as the nodes say  as the nodes say  as the nodes say"
	show := func() string { return c.masked(c.ok("retention", "mail")) }
	c.same(show(), unset)
	c.ok("retention", "mail", "--age", "720h", "--bytes", "1.5GiB", "--reason", "policy 12", "--actor", "ann")
	c.same(c.ok("retention", "mail", "--json"), `{"queue":"mail","partition":0,"age_ms":2592000000,"bytes":1610612736,"dead_ms":null}`)
	c.ok("retention", "mail", "--dead", "1h", "--reason", "policy 13") // leaves the others
	contains(t, c.ok("retention", "mail"), "720h0m0s  1.5 GiB  1h0m0s\n")
	c.ok("retention", "mail", "--default", "--reason", "policy 14")
	c.same(show(), unset)
	who := c.masked(c.ok("audit", "who"))
	contains(t, who, "TIME  retention_set  mail: keep 2592000000 1610612736 -  by ann: policy 12\n")
	contains(t, who, ": policy 14\n")
	contains(t, c.ok("log", "--kind", "retention_set"), "retention_set to keep 2592000000 1610612736 - by ann: policy 12")
}

func TestRetentionRefuses(t *testing.T) {
	t.Parallel()
	c := memory(t)
	c.enqueue("ID", task.Birth{})
	for _, args := range [][]string{
		{"--age", "1h"},
		{"--default"},
		{"--age", "-1h"},
		{"--age", "0"},
		{"--age", "x"},
		{"--bytes", "1XB"},
		{"--bytes", ""},
		{"--bytes", "0"},
		{"--bytes", "-1"},
		{"--bytes", "1e9"},
		{"--bytes", "999999999TiB"},
		{"--dead", "1ns"},
		{"--default", "--age", "1h"},
	} {
		if len(args) > 1 && args[1] != "1h" {
			args = append(args, "--reason", "r")
		}
		if r := c.run(append([]string{"retention", "mail"}, args...)...); r.code != exitUsage || !strings.Contains(r.err, "hint: ") {
			t.Errorf("%q: got %+v, want exit code %d and a hint", args, r, exitUsage)
		}
	}
	if r := c.run("retention", "nowhere"); r.code != exitFailed {
		t.Errorf("no queue: got %+v", r)
	}
	if r := c.run("retention", "a b"); r.code != exitData {
		t.Errorf("no name: got %+v", r)
	}
}

func TestParseBytes(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int64{"7": 7, "1KiB": 1024, "1.5 MiB": 3 << 19, "2gib": 2 << 30, "1TB": 1e12, "12B": 12} {
		if got, err := parseBytes(s); got != want || err != nil {
			t.Errorf("%s: got %d, %v, want %d", s, got, err, want)
		}
	}
}

func TestHold(t *testing.T) {
	t.Parallel()
	c := memory(t)
	c.enqueue("ID", task.Birth{})
	c.same(c.ok("hold", "ls"), "")
	c.same(c.masked(c.ok("hold", "case-1", "--queue", "mail", "--from", "1", "--reason", "court")), "case-1 holds mail/0 from lsn 1, TIME")
	c.ok("hold", "case-2", "--from", "1h", "--reason", "court")
	c.same(c.masked(c.ok("hold", "ls")), "NAME  QUEUE  PARTITION  FROM LSN  FROM\ncase-1  mail  0  1  TIME\ncase-2  mail  0  1  TIME")
	contains(t, c.ok("hold", "ls", "--queue", "mail", "--json"), `{"name":"case-1","queue":"mail","partition":0,"from":"`)
	contains(t, c.masked(c.ok("doctor")), "ok  hold  mail: case-1 keeps the history from TIME\n")
	c.same(c.ok("hold", "release", "case-1", "--queue", "mail", "--reason", "closed"), "case-1 released mail")
	c.same(c.ok("hold", "release", "case-2", "--reason", "closed", "--json"), `{"name":"case-2","queue":"mail","released":true}`)
	c.same(c.ok("hold", "ls"), "")
	contains(t, c.masked(c.ok("log", "--kind", "retention_set")), "retention_set to hold case-1 ENTRY by ")
	for _, args := range [][]string{
		{"hold", "case-1", "--reason", "r"},
		{"hold", "case-1", "--from", "1"},
		{"hold", "case-1", "--from", "x", "--reason", "r"},
		{"hold", "--from", "1", "--reason", "r"},
		{"hold", "release", "case-1"},
	} {
		if r := c.run(args...); r.code != exitUsage || !strings.Contains(r.err, "hint: ") {
			t.Errorf("%q: got %+v, want exit code %d and a hint", args, r, exitUsage)
		}
	}
	c.fails(exitFailed, "tidemill: hold case-1: not found\nhint: tidemill hold ls lists the holds", "hold", "release", "case-1", "--reason", "r")
	if r := c.run("hold", "a/b", "--from", "1", "--reason", "r"); r.code != exitData {
		t.Errorf("no name: got %+v", r)
	}
}

// The log is trimmed before somebody wants it held; an lsn is of one partition.
func TestHoldLate(t *testing.T) {
	t.Parallel()
	c := newConsole(t, redistest.URL(t))
	c.worked(300)
	c.squeeze()
	contains(t, c.ok("hold", "case", "--queue", "mail", "--from", "1", "--reason", "r"), ": what was before is trimmed\n")
	if _, err := c.log.Enqueue(t.Context(), []task.Birth{{Type: "t", Queue: "other"}}); err != nil {
		t.Fatal(err)
	}
	if r := c.run("hold", "case", "--from", "1", "--reason", "r"); r.code != exitUsage || !strings.Contains(r.err, "an lsn is of one partition") {
		t.Errorf("an lsn for all queues: got %+v", r)
	}
}

// worked makes n tasks that have ended.
func (c *console) worked(n int) {
	c.Helper()
	s := c.join("CONSUMER")
	for range n / 50 {
		births := make([]task.Birth, 50)
		for i := range births {
			births[i] = task.Birth{Type: "email.send", Queue: "mail", Payload: []byte("{}")}
		}
		if _, err := c.log.Enqueue(c.Context(), births); err != nil {
			c.Fatal(err)
		}
		for _, d := range c.fetch(s, 50) {
			c.settle(s, task.Settlement{Delivery: &d, Kind: task.OutcomeSuccess})
		}
	}
	if err := s.Leave(c.Context()); err != nil {
		c.Fatal(err)
	}
}

// squeeze trims to next to nothing.
func (c *console) squeeze() {
	c.Helper()
	if _, err := c.log.Trim(c.Context(), "mail", 0, "me", streams.Retention{Bytes: 1}); err != nil {
		c.Fatal(err)
	}
}

// TestFullArchiveDisk: an archive that cannot be written pushes back and loses
// nothing; with room again all goes on.
func TestFullArchiveDisk(t *testing.T) {
	t.Parallel()
	c := newConsole(t, redistest.URL(t))
	dir := filepath.Join(t.TempDir(), "history")
	enqueue := []string{"enqueue", "--queue", "mail", "--type", "t", "--payload", "1"}
	c.worked(50)
	c.ok("archive", "run", "--to", dir, "--once")
	if err := errors.Join(os.Rename(dir, dir+".aside"), os.WriteFile(dir, nil, 0o600)); err != nil { // no room
		t.Fatal(err)
	}
	c.worked(300)
	if r := c.run("archive", "run", "--to", dir, "--once"); r.code == exitOK {
		t.Fatalf("archive run into a file: got %+v", r)
	}
	for end, why := time.Now().Add(10*time.Second), ""; why == ""; { // retention counts in ms
		c.squeeze()
		var err error
		if why, err = c.log.Reader().Full(t.Context(), "mail"); err != nil || time.Now().After(end) {
			t.Fatalf("not full: %q, %v", why, err)
		}
	}
	r := c.run(enqueue...)
	if r.code != exitBackpressure || !strings.Contains(r.err, "back-pressure: archive: ") || !strings.Contains(r.err, "\nhint: is tidemill archive run running") {
		t.Errorf("enqueue: got %+v", r)
	}
	r = c.run("doctor")
	contains(t, r.out, "mail takes no new tasks: back-pressure of the archive")
	if r.code != exitFailed {
		t.Errorf("doctor: exit code %d, want %d", r.code, exitFailed)
	}
	if err := errors.Join(os.Remove(dir), os.Rename(dir+".aside", dir)); err != nil {
		t.Fatal(err)
	}
	c.ok("archive", "run", "--to", dir, "--once")
	c.squeeze()
	c.ok(enqueue...)
	c.ok("archive", "run", "--to", dir, "--once")
	c.ok("fsck")
	c.ok("audit", "gaps", "--archive", dir)
	contains(t, c.ok("verify", dir, "--unsigned"), "OK: ")
}
