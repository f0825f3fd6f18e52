package cli

import (
	"testing"
	"time"

	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

func TestQueues(t *testing.T) {
	t.Parallel()
	c := memory(t)
	c.same(c.ok("queues"), "no queues yet: the first enqueue makes one")
	c.dead("dead", task.Birth{})
	c.enqueue("running", task.Birth{})
	c.fetch(c.join("consumer"), 1)
	c.enqueue("ready", task.Birth{})
	c.enqueue("waiting", task.Birth{In: time.Hour})
	c.ok("pause", "mail", "--reason", "deploy")
	c.same(c.masked(c.ok("queues")), `
QUEUE  WAITING  READY  RUNNING  DEAD  PAUSED  NEXT DUE  ENQUEUED  SUCCEEDED  RETRIED  DIED
mail  1  1  1  1  paused  in SPAN  4  0  0  1`)
	got := c.ok("queues", "--json")
	for _, want := range []string{
		`{"queue":"mail","partitions":1,"paused":true,"waiting":1,"ready":1,"running":1,"dead":1,"next_due_in_ms":35`,
		`"enqueued_total":4,"succeeded_total":0,"retried_total":0,"snoozed_total":0,"dead_total":1,`,
	} {
		contains(t, got, want)
	}
}

func TestQueuesAddsPartitions(t *testing.T) {
	t.Parallel()
	c := memory(t)
	wide, err := streams.New(c.url, streams.Options{Namespace: c.ns, Partitions: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer wide.Close()
	for range 6 {
		if _, err := wide.Enqueue(t.Context(), []task.Birth{{Queue: "wide", Type: "t"}}); err != nil {
			t.Fatal(err)
		}
	}
	contains(t, c.ok("queues", "--json"), `{"queue":"wide","partitions":3,"paused":false,"waiting":0,"ready":6,`)
}

func TestNodes(t *testing.T) {
	t.Parallel()
	c := memory(t)
	c.same(c.ok("nodes"), "no node is running")
	n := streams.Node{
		Name: "n1", Host: "evil\x1b[2Jhost", PID: 42, Started: time.Now().Add(-time.Hour), Running: 3,
		Queues: map[task.Queue]int{"mail": 8, "default": 64}, Holds: []string{"c1", "c2"},
	}
	if err := c.log.Announce(t.Context(), n, time.Minute); err != nil {
		t.Fatal(err)
	}
	c.same(c.masked(c.ok("nodes")), `
NODE  HOST  PID  UPTIME  RUNNING  QUEUES  CONSUMERS
n1  evil\x1b[2Jhost  42  SPAN  3  default=64 mail=8  c1 c2`)
	contains(t, c.ok("nodes", "--json"), `{"name":"n1","host":"evil\u001b[2Jhost","pid":42,`)
}
