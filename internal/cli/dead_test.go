package cli

import (
	"fmt"
	"testing"

	"github.com/tidemill/tidemill/task"
)

const usageHint = "\nhint: tidemill help COMMAND tells what a command takes"

func TestDeadRequeue(t *testing.T) {
	t.Parallel()
	c := memory(t)
	one := c.dead("ONE", task.Birth{}).String()
	c.dead("TWO", task.Birth{})
	open := c.enqueue("OPEN", task.Birth{}).String()
	contains(t, c.masked(c.ok("dead", "ls")), "\nONE  mail  email.send  1  SPAN ago  SPAN ago  buried  no such user; line two\nTWO  ")
	c.same(c.ok("dead", "requeue", one, "--reason", "fixed", "--actor", "ops"), "requeued 1 task")
	contains(t, c.masked(c.ok("show", one)), "requeued by ops: fixed\n")
	c.fails(exitFailed, "tidemill: task ONE: task is not dead\nhint: tidemill show ID tells where it stands", "dead", "requeue", one, "--reason", "again")
	out := c.fails(exitFailed, `
tidemill: task ONE: task is not dead
tidemill: task OPEN: task is not dead
tidemill: 2 of 2 tasks failed
hint: tidemill show ID tells where a task stands`, "dead", "requeue", one, open, "--reason", "again")
	c.same(out, "")
	c.same(c.ok("dead", "requeue", "--all", "--type", "other", "--reason", "x"), "requeued 0 tasks")
	c.same(c.ok("dead", "requeue", "--all", "--queue", "mail", "--reason", "x", "--json"), `{"verb":"requeued","done":1,"not_dead":0}`)
	c.same(c.ok("dead", "ls"), "")
}

// TestDeadManyPages: acting on what is listed must not skip any of it.
func TestDeadManyPages(t *testing.T) {
	t.Parallel()
	c := memory(t)
	c.manyDead(600)
	c.same(c.ok("dead", "requeue", "--all", "--limit", "10", "--reason", "x"), "requeued 10 tasks")
	c.same(c.ok("dead", "purge", "--all", "--limit", "30", "--yes", "--reason", "x"), "purged 30 tasks")
	c.same(c.ok("dead", "purge", "--all", "--yes", "--reason", "x"), "purged 560 tasks")
	contains(t, c.ok("queues", "--json"), `"dead":0,`)
	contains(t, c.ok("fsck"), "\n0 lost, 0 ended twice, 0 early\n")
}

func (c *console) manyDead(n int) {
	c.Helper()
	births := make([]task.Birth, n)
	for i := range births {
		births[i] = task.Birth{Queue: "mail", Type: "email.send", Payload: fmt.Append(nil, i)}
	}
	if _, err := c.log.Enqueue(c.Context(), births); err != nil {
		c.Fatal(err)
	}
	s := c.join("killer")
	for n > 0 {
		ds := c.fetch(s, min(n, 50))
		var all []task.Settlement
		for i := range ds {
			all = append(all, task.Settlement{Delivery: &ds[i], Kind: task.OutcomeDead, Reason: "buried"})
		}
		if _, err := s.Settle(c.Context(), all); err != nil {
			c.Fatal(err)
		}
		n -= len(ds)
	}
}

func TestDeadPurge(t *testing.T) {
	t.Parallel()
	c := memory(t)
	one := c.dead("ONE", task.Birth{}).String()
	two := c.dead("TWO", task.Birth{}).String()
	open := c.enqueue("OPEN", task.Birth{}).String()
	const hint = "hint: add --yes --reason TEXT to do it"
	c.same(c.fails(exitOK, hint, "dead", "purge", "--all"), "would purge 2 dead tasks; nothing was changed")
	c.same(c.fails(exitOK, hint, "dead", "purge", one, open), "would purge 1 dead task; nothing was changed")
	c.same(c.ok("dead", "purge", "--all", "--json"), `{"verb":"purge","done":0,"not_dead":0,"would":2}`)
	c.fails(exitUsage, "tidemill: --reason is required\nhint: say why, the history keeps it: --reason \"TEXT\"", "dead", "purge", one, "--yes")
	c.same(c.ok("dead", "purge", one, open, "--yes", "--reason", "gdpr"), "purged 1 task; 1 not dead, left alone")
	contains(t, c.masked(c.ok("show", one)), "purged by ")
	c.same(c.ok("dead", "purge", two, "--yes", "--reason", "gdpr"), "purged 1 task")
}

func TestDeadUsage(t *testing.T) {
	t.Parallel()
	c := memory(t)
	id := c.dead("ID", task.Birth{}).String()
	for _, verb := range []string{"requeue", "purge"} {
		c.fails(exitUsage, "tidemill: name ids, or --all (with --queue, --type, --limit) for many"+usageHint, "dead", verb, "--reason", "x")
		c.fails(exitUsage, "tidemill: name ids or --all, not both"+usageHint, "dead", verb, id, "--all", "--reason", "x")
		c.fails(exitUsage, "tidemill: --queue, --type and --limit go with --all"+usageHint, "dead", verb, id, "--queue", "mail", "--reason", "x")
		c.fails(exitData, "tidemill: invalid task id: \"x\"\nhint: an id is 26 characters, such as enqueue and ls print", "dead", verb, id, "x", "--reason", "x")
	}
	c.fails(exitUsage, "tidemill: --reason is required\nhint: say why, the history keeps it: --reason \"TEXT\"", "dead", "requeue", id)
	contains(t, c.ok("dead"), "requeue")
	contains(t, c.ok("queues", "--json"), `"dead":1,`)
}

func TestCancel(t *testing.T) {
	t.Parallel()
	c := memory(t)
	dead := c.dead("DEAD", task.Birth{}).String()
	running := c.enqueue("RUNNING", task.Birth{}).String()
	c.fetch(c.join("CONSUMER"), 1)
	ready := c.enqueue("READY", task.Birth{}).String()
	args := []string{"cancel", running, ready, dead, ready, "--reason", "mistake", "--actor", "ops"}
	c.same(c.masked(c.ok(args...)), `
RUNNING runs: its node was asked to stop it
READY cancelled
DEAD had ended before
READY cancelled`)
	c.same(c.masked(c.ok("cancel", running, "--reason", "again", "--json")), `{"id":"RUNNING","result":"requested"}`)
	contains(t, c.masked(c.ok("show", running)), "state  running, to be cancelled for SPAN on CONSUMER\n")
	contains(t, c.masked(c.ok("show", running)), "cancel_requested by ops: mistake\n")
	contains(t, c.masked(c.ok("show", ready)), "cancelled by ops: mistake\n")
	c.fails(exitUsage, "tidemill: --reason is required\nhint: say why, the history keeps it: --reason \"TEXT\"", "cancel", ready)
	c.fails(exitUsage, "tidemill: requires at least 1 arg(s), only received 0\nhint: tidemill help COMMAND tells what a command takes", "cancel", "--reason", "x")
	other := task.NewID(9, 0, task.Position{Ms: 1, LSN: 1})
	c.call(other, "OTHER")
	c.fails(exitFailed, "tidemill: task OTHER: not found\nhint: tidemill queues lists the queues; ids are 26 characters", "cancel", other.String(), "--reason", "x")
}

func TestPause(t *testing.T) {
	t.Parallel()
	c := memory(t)
	c.enqueue("ID", task.Birth{})
	c.same(c.ok("pause", "mail", "--reason", "deploy"), "paused mail")
	c.same(c.ok("pause", "mail", "--reason", "twice"), "paused mail")
	stats, err := c.log.Reader().Stats(t.Context(), "mail")
	if err != nil || !stats[0].Paused {
		t.Errorf("got %+v, %v", stats, err)
	}
	c.same(c.ok("resume", "mail", "--reason", "done", "--json"), `{"queue":"mail","paused":false}`)
	c.fails(exitFailed, "tidemill: queue nope: not found\nhint: tidemill queues lists the queues; ids are 26 characters", "pause", "nope", "--reason", "x")
	c.fails(exitData, `tidemill: invalid name: queue "a b": letters, digits and _.:- only, a letter or digit first`, "pause", "a b", "--reason", "x")
	c.fails(exitUsage, "tidemill: --reason is required\nhint: say why, the history keeps it: --reason \"TEXT\"", "resume", "mail")
	var actor string
	for e, err := range c.log.Reader().Events(t.Context(), "mail", 0, task.Position{}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == task.Paused {
			actor += e.Actor + ": " + e.Reason
		}
	}
	if want := whoami() + ": deploy"; actor != want {
		t.Errorf("got %s, want %s", actor, want)
	}
}
