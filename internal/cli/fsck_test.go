package cli

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

func TestFsck(t *testing.T) {
	t.Parallel()
	c := memory(t)
	c.same(c.ok("fsck"), "0 partitions, 0 events, 0 tasks\n0 lost, 0 ended twice, 0 early")
	c.dead("DEAD", task.Birth{})
	c.enqueue("READY", task.Birth{})
	c.enqueue("WAITING", task.Birth{In: time.Hour})
	c.same(c.masked(c.ok("fsck")), `
1 partition, 5 events, 3 tasks
  1 waiting
  1 ready
  1 dead
0 lost, 0 ended twice, 0 early
as of mail/0 lsn 5`)
	contains(t, c.ok("fsck", "--json"), `"lost":0,"ended_twice":0,"early":0,"problems":[],"gaps":[],"moving":[],"partial":false,"as_of":{"mail/0":5}}`)
}

// TestFsckFindsLosses takes waiting tasks away behind the log's back.
func TestFsckFindsLosses(t *testing.T) {
	t.Parallel()
	c := newConsole(t, redistest.URL(t))
	for i := range 25 {
		c.enqueue(fmt.Sprintf("T%d", i), task.Birth{In: time.Hour})
	}
	c.raw(func(db *redis.Client) error { return db.Del(t.Context(), keys.New(c.ns, "mail", 0).Waiting).Err() })
	out := c.fails(exitFailed, "tidemill: fsck found 25 problems\nhint: tidemill show ID tells the way of a task", "fsck")
	contains(t, out, "\n25 lost, 0 ended twice, 0 early\nproblem: mail/0: task ")
	contains(t, out, "\n… and 5 more: --all prints them\n")
	if n := strings.Count(out, "problem: "); n != fsckProblems {
		t.Errorf("got %d problems, want %d", n, fsckProblems)
	}
	if n := strings.Count(c.run("fsck", "--all").out, "problem: "); n != 25 {
		t.Errorf("with --all: got %d problems", n)
	}
	if r := c.run("fsck", "--json"); r.code != exitFailed || !strings.Contains(r.out, `"lost":25,`) {
		t.Errorf("got %+v", r)
	}
}

// raw lends a client on the server of the console.
func (c *console) raw(do func(db *redis.Client) error) {
	c.Helper()
	o, err := redis.ParseURL(c.url)
	if err != nil {
		c.Fatal(err)
	}
	db := redis.NewClient(o)
	defer db.Close()
	if err := do(db); err != nil {
		c.Fatal(err)
	}
}

func TestFsckTellsOfTrims(t *testing.T) {
	t.Parallel()
	c := newConsole(t, redistest.URL(t))
	c.manyDead(300) // a node of a stream is cut whole: 100 entries
	c.ok("dead", "purge", "--all", "--yes", "--reason", "x")
	keep := streams.Retention{Age: time.Millisecond, Bytes: 1, Dead: time.Hour}
	if n, err := c.log.Trim(t.Context(), "mail", 0, "test", keep); err != nil || n == 0 {
		t.Fatalf("trimmed %d, %v", n, err)
	}
	out := c.ok("fsck")
	contains(t, out, "\n0 lost, 0 ended twice, 0 early\nnote: some history was trimmed: tasks that ended before are not counted\n")
}
