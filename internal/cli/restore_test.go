package cli

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// wide is a console whose queue mail has four partitions and post has one, all of
// them with tasks, and an archive of it. It returns the ids of mail, which come last.
func wide(t *testing.T) (c *console, dir string, ids []task.ID) {
	t.Helper()
	c = newConsole(t, redistest.URL(t))
	log, err := streams.New(c.url, streams.Options{Namespace: c.ns, Partitions: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	for _, q := range []task.Queue{"post", "mail"} {
		for i := range 40 {
			got, err := map[task.Queue]*streams.Log{"mail": log, "post": c.log}[q].Enqueue(t.Context(), []task.Birth{{Type: "email.send", Queue: q, In: time.Duration(i%2) * time.Hour}})
			if err != nil {
				t.Fatal(err)
			}
			if q == "mail" {
				ids = append(ids, got[0].ID)
			}
		}
	}
	dir = filepath.Join(t.TempDir(), "history")
	c.ok("archive", "run", "--to", dir, "--once")
	return c, dir, ids
}

// into runs restore into a namespace of this name.
func (c *console) into(name, dir, at string, more ...string) result {
	c.Helper()
	return c.run(append([]string{"restore", "--archive", dir, "--at", at, "--into", c.ns + name, "--yes"}, more...)...)
}

// refused runs a restore that is refused, and sees that nothing was written.
func (c *console) refused(r result, name, says, hint string) {
	c.Helper()
	if r.code != exitData || !strings.Contains(r.err, says) || !strings.Contains(r.err, "\nhint: "+hint) {
		c.Errorf("exit code %d, stderr %swant %q, hint %q", r.code, r.err, says, hint)
	}
	l, err := streams.New(c.url, streams.Options{Namespace: c.ns + name})
	if err != nil {
		c.Fatal(err)
	}
	defer l.Close()
	if all, err := l.Queues(c.Context()); err != nil || len(all) > 0 {
		c.Errorf("%v was restored (%v)", all, err)
	}
}

// By time all partitions of all queues are restored, with every task.
func TestRestorePartitions(t *testing.T) {
	t.Parallel()
	c, dir, ids := wide(t)
	r := c.into(".r", dir, "0s")
	if r.code != exitData || !strings.Contains(r.err, "hint: name a moment in between") {
		t.Errorf("a moment after the last event: exit code %d, stderr %s", r.code, r.err)
	}
	last := ids[len(ids)-1].Time().Format(time.RFC3339Nano)
	if r = c.into(".r", dir, last, "--queue", "mail"); r.code != 0 || r.err != "" {
		t.Fatalf("exit code %d, stderr %s, stdout %s", r.code, r.err, r.out)
	}
	if !strings.Contains(r.out, "4 partitions, ") || !strings.Contains(r.out, "0 lost, 0 ended twice, 0 early\n") {
		t.Errorf("got %s", r.out)
	}
	l, err := streams.New(c.url, streams.Options{Namespace: c.ns + ".r"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for i, id := range ids { // what was ready is held, by nobody, for whoever comes first
		st, err := l.Reader().Status(t.Context(), id)
		if want := []task.State{task.Running, task.Waiting}[i%2]; err != nil || st.State != want {
			t.Errorf("%s: got %s, %v, want %s", id, st.State, err, want)
		}
	}
}

// Several queues are restored by one command, and what they are restored into must
// hold no queue.
func TestRestoreQueues(t *testing.T) {
	t.Parallel()
	c, dir, ids := wide(t)
	last := ids[len(ids)-1].Time().Format(time.RFC3339Nano)
	r := c.into(".r", dir, last)
	if r.code != 0 || !strings.Contains(r.out, "5 partitions, ") {
		t.Fatalf("exit code %d, stderr %s, stdout %s", r.code, r.err, r.out)
	}
	before := c.ok("log", "--namespace", c.ns+".r")
	r = c.into(".r", dir, "3", "--queue", "post")
	if r.code != exitData || !strings.Contains(r.err, "namespace is not empty: it has the queue ") ||
		!strings.Contains(r.err, "\nhint: name a namespace that was never used\n") {
		t.Errorf("exit code %d, stderr %s", r.code, r.err)
	}
	if after := c.ok("log", "--namespace", c.ns+".r"); after != before {
		t.Errorf("before:\n%s, after:\n%s", before, after)
	}
}

// An lsn is of one partition: where several are asked for it is refused.
func TestRestoreLSN(t *testing.T) {
	t.Parallel()
	c, dir, _ := wide(t)
	c.refused(c.into(".r", dir, "3"), ".r", "lsn 3 is of one partition, and there are 5", "--at takes a time, too, which is one for all; --queue NAME ")
	c.refused(c.into(".r", dir, "3", "--queue", "mail"), ".r", "lsn 3 is of one partition, and there are 4", "--at takes a time, too, which is one for all\n")
	c.refused(c.into(".r", dir, "99", "--queue", "post"), ".r", "lsn 99: outside the history: ", "name a moment in between\n")
	if r := c.into(".r", dir, "3", "--queue", "post"); r.code != 0 || !strings.Contains(r.out, "1 partition, ") {
		t.Errorf("exit code %d, stderr %s, stdout %s", r.code, r.err, r.out)
	}
}
