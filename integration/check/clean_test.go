package check

import (
	"strconv"
	"testing"

	"github.com/oklog/ulid/v2"

	"github.com/tidemill/tidemill/integration/history"
)

// clean is a run with a bit of everything, and nothing wrong.
func clean(t *testing.T) *builder {
	t.Helper()
	b := newBuilder(t)
	b.simple()
	b.delayed()
	b.retried()
	b.snoozed()
	b.buried()
	b.cancelled()
	b.takenOver()
	b.keyed()
	return b
}

func (b *builder) simple() {
	id := b.birth("1-1", 0)
	b.run("1-1", id, 1, "ok")
	b.succeed(id, 1, address(id), "A", digestOf("1-1")...)
}

func (b *builder) delayed() {
	id := b.birth("1-2", 500)
	at := b.release("1-2", id, 1, wall0+b.clock+500, address(id))
	b.run("1-2", id, 1, "ok")
	b.succeed(id, 1, at, "A")
}

func (b *builder) retried() {
	id := b.planned("1-3", "flaky:1")
	b.run("1-3", id, 1, "retry")
	due := wall0 + b.clock + 300
	retry := b.outcome("retry", waiting, id, 1, address(id), "consumer", "A", "due", strconv.FormatInt(due, 10))
	at := b.release("1-3", id, 2, due, retry)
	b.run("1-3", id, 2, "ok")
	b.succeed(id, 2, at, "A")
}

func (b *builder) snoozed() {
	id := b.planned("1-4", "snooze")
	b.run("1-4", id, 1, "snooze")
	due := wall0 + b.clock + 200
	snooze := b.outcome("snoozed", waiting, id, 1, address(id), "consumer", "A", "due", strconv.FormatInt(due, 10))
	at := b.release("1-4", id, 1, due, snooze)
	b.run("1-4", id, 1, "ok")
	b.succeed(id, 1, at, "A")
}

// buried dies, is requeued, and dies once more.
func (b *builder) buried() {
	id := b.planned("1-5", "bury")
	b.run("1-5", id, 1, "bury")
	died := b.outcome("dead", dead, id, 1, address(id), "consumer", "A", "reason", "buried")
	b.ask(history.Op{Do: history.Requeue, ID: id.String()}, history.OK)
	again := b.event("kind", "requeued", "ref", id.String(), "n", "1", "actor", "ann", "reason", "why", "prev", died.String())
	b.count("requeued", 1)
	at := b.release("1-5", id, 2, wall0+b.clock, again)
	b.run("1-5", id, 2, "bury")
	b.outcome("dead", dead, id, 2, at, "consumer", "A", "reason", "buried")
	b.live.Dead[id.String()] = wall0 + b.clock
	b.live.Graves = append(b.live.Graves, id.String())
}

func (b *builder) cancelled() {
	id := b.birth("1-6", 60000)
	at := b.outcome("cancelled", cancelled, id, 0, address(id), "actor", "ann", "reason", "why")
	b.ask(history.Op{Do: history.Cancel, ID: id.String()}, history.OK)
	_ = at
}

// takenOver starts on a worker that is killed, and runs elsewhere.
func (b *builder) takenOver() {
	id := b.birth("1-7", 0)
	b.effect(history.Start, "1-7", id, 1, worker, "")
	b.in.Faults = append(b.in.Faults, history.Fault{Name: "kill", From: b.T(), To: b.T() + secNs, PID: 7, Observed: 1, Loses: history.Nothing})
	b.tick(600)
	b.event("kind", "reclaimed", "consumer", "A", "actor", "B", "n", "1", "extra", address(id).String()+"/2")
	b.effect(history.Start, "1-7", id, 1, other, "")
	b.effect(history.End, "1-7", id, 1, other, "ok")
	b.succeed(id, 1, address(id), "B")
	b.event("kind", "stale_outcome", "ref", id.String(), "attempt", "1", "consumer", "A", "n", "1", "outcome", "succeeded", "prev", address(id).String())
}

// keyed is asked for twice and born once; a birth that nobody was told of is in.
func (b *builder) keyed() {
	id := b.birth("1-8", 0)
	log := b.in.Parts[0].Log
	set(&log[len(log)-1], "opts", "u86400000,ka%2Cb")
	ops := b.in.Ops["c"]
	ops[len(ops)-2].Births[0].Key = "a,b"
	b.ask(history.Op{Do: history.Enqueue, Births: []history.Birth{{Tag: "1-9", Queue: "q", Key: "a,b"}}}, history.OK, id.String())
	ops = b.in.Ops["c"]
	ops[len(ops)-1].Known = []bool{true}
	b.run("1-8", id, 1, "ok")
	b.succeed(id, 1, address(id), "A")

	b.ask(history.Op{Do: history.Enqueue, Births: []history.Birth{{Tag: "1-11", Queue: "q"}}}, history.Unknown)
	silent := b.birth("1-10", 0)
	ops = b.in.Ops["c"]
	b.in.Ops["c"] = ops[:len(ops)-1] // the client died
	b.run("1-10", silent, 1, "ok")
	b.succeed(silent, 1, address(silent), "A")
}

// set changes a field of an entry.
func set(e *history.Entry, name, value string) {
	for i := 0; i < len(e.Fields); i += 2 {
		if string(e.Fields[i]) == name {
			e.Fields[i+1] = []byte(value)
		}
	}
}

func get(e *history.Entry, name string) string {
	for i := 0; i < len(e.Fields); i += 2 {
		if string(e.Fields[i]) == name {
			return string(e.Fields[i+1])
		}
	}
	return ""
}

func TestClean(t *testing.T) {
	t.Parallel()
	r := Check(clean(t).in)
	if r.Failed() || len(r.Void) > 0 {
		t.Fatal(r.Table())
	}
	got := [...]int{r.Attempted, r.Acknowledged, r.Succeeded, r.Dead, r.Cancelled, r.Recovered, r.Reclaimed, r.StaleRefused, r.ExecutedAgain["kill"]}
	want := [...]int{11, 9, 7, 1, 1, 1, 1, 1, 1}
	if got != want {
		t.Errorf("attempted, acknowledged, succeeded, dead, cancelled, recovered, reclaimed, stale, again:\ngot  %v\nwant %v", got, want)
	}
	if r.RecoveryMs.N != 1 || r.RecoveryMs.Max < 600 || r.LatenessMs.N != 3 {
		t.Errorf("recovery %v, lateness %v", r.RecoveryMs, r.LatenessMs)
	}
}

// stuck is a task that was delivered and does not end.
func (b *builder) stuck() ulid.ULID {
	id := b.birth("1-21", 0)
	b.count("open", 1)
	b.live.Pending = []history.Pending{{ID: address(id).String(), Consumer: "A", Count: 1}}
	return id
}
