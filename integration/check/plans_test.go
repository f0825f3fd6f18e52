package check

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/tidemill/tidemill/integration/history"
)

// dies is a task of a plan that starts some times, each after a takeover, and is
// buried.
func (b *builder) dies(tag, plan, reason string, starts int) {
	id := b.planned(tag, plan)
	for i := range starts {
		if i > 0 {
			b.event("kind", "reclaimed", "consumer", "A", "actor", "B", "n", "1", "extra", address(id).String()+"/2")
		}
		b.effect(history.Start, tag, id, 1, worker, "")
	}
	b.outcome("dead", dead, id, 1, address(id), "consumer", "B", "reason", reason)
	b.live.Dead[id.String()] = wall0 + b.clock
	b.live.Graves = append(b.live.Graves, id.String())
}

// flood is a pause of all queues around all that ran.
func (b *builder) flood() {
	b.in.Faults = append(b.in.Faults, history.Fault{Name: "flood", From: b.T() - 3600*secNs, To: b.T() + secNs, Observed: 1, Loses: history.Nothing})
}

// again runs a task twice, and something happens to the server a minute later.
func (b *builder) again(later func()) {
	id := b.birth("1-30", 0)
	b.run("1-30", id, 1, "ok")
	b.run("1-30", id, 1, "ok")
	b.succeed(id, 1, address(id), "A")
	b.tick(60000)
	later()
}

// refused takes all acknowledgements back.
func (b *builder) refused() {
	for i := range b.in.Ops["c"] {
		if op := &b.in.Ops["c"][i]; op.Res == history.OK {
			op.Res, op.IDs, op.Known = history.Unknown, nil, nil
		}
	}
}

// trimmed removes the first birth below the floor.
func (b *builder) trimmed() {
	b.drop(b.birthOf("1-1"))
	b.live.Meta["floor"] = strconv.FormatInt(b.lsn+1, 10)
}

// TestAgainstPlans: what the log holds is in order, and not what should have come
// of what was asked for.
func TestAgainstPlans(t *testing.T) {
	t.Parallel()
	first := func(b *builder, plan string) { b.in.Ops["c"][0].Births[0].Plan = plan }
	for _, c := range []struct {
		name, want string
		spoil      func(b *builder)
	}{
		{"another end", "plan", func(b *builder) { first(b, "bury") }},
		{"too few attempts", "plan", func(b *builder) { first(b, "flaky:2") }},
		{"another reason", "plan", func(b *builder) { b.dies("1-30", "fail", "buried", 1) }},
		{"a crash loop of one start", "plan", func(b *builder) { b.dies("1-30", "ok:5", "crash_loop", 1) }},
		{"expired, and never was to", "plan", func(b *builder) {
			id := b.birth("1-30", 0)
			b.outcome("expired", expired, id, 1, address(id), "consumer", "A")
		}},
		{"cancelled, and nobody asked", "plan", func(b *builder) {
			id := b.birth("1-30", 60000)
			b.outcome("cancelled", cancelled, id, 0, address(id), "actor", "ann")
		}},
		{"a cancel that came to nothing", "I4", func(b *builder) {
			id := b.birth("1-30", 0)
			b.ask(history.Op{Do: history.Cancel, ID: id.String()}, history.OK)
			b.run("1-30", id, 1, "ok")
			b.succeed(id, 1, address(id), "A")
		}},
		{"retried too soon", "I4", func(b *builder) { b.starts("1-3")[1].T = b.starts("1-3")[0].T + 20*msNs }},
		{"ran in a pause", "pause", (*builder).flood},
		{"taken over from nobody", "I11", func(b *builder) { b.in.Faults[0].Name, b.in.Faults[0].PID = "freeze-worker", 0 }},
		{"rebuilt long after", "I11", func(b *builder) {
			b.again(func() { b.event("kind", "recovered", "n", "0", "extra", "1-1 "+token) })
		}},
		{"lost long after", "I11", func(b *builder) { b.again(func() { b.fault("kill redis", history.Tail) }) }},
		{"another life long after", "I11", func(b *builder) { b.again(b.lostTail) }},
		{"trimmed unseen, and no flush", "I5", (*builder).trimmed},
		{"acknowledged, trimmed unseen, and no flush", "I1", (*builder).trimmed},
		{"more consumers left than were killed", "I9", func(b *builder) { b.live.Members["A"], b.live.Members["B"] = "4|7|A", "4|7|B" }},
		{"little was acknowledged", OfTheRun, (*builder).refused},
		{"nothing succeeded", OfTheRun, func(b *builder) { b.in.Parts, b.in.Faults[0].Name = nil, "kill-redis" }},
		{"refused though nothing was wrong", "I12", func(b *builder) {
			b.rates(100, 100, 0)
			b.in.Ops["rates"][201].Err = "no"
		}},
		{"never answered", "I12", func(b *builder) {
			b.rates(100, 100, 0)
			b.in.Ops["rates"] = append(b.in.Ops["rates"][:201], b.in.Ops["rates"][202:]...)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := clean(t)
			c.spoil(b)
			if r := Check(b.in); r.Broken[c.want] == 0 {
				t.Errorf("no violation of %s:\n%s", c.want, r.Table())
			}
		})
	}
}

// TestAsPlanned: what looks like the above, and is in order.
func TestAsPlanned(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		spoil func(b *builder)
		right func(r *Report) bool
	}{
		{"a crash loop", func(b *builder) { b.dies("1-30", "crash", "crash_loop", 2) }, func(r *Report) bool { return r.Dead == 2 }},
		{"trimmed unseen before a flush", func(b *builder) { b.trimmed(); b.fault("flush", history.All) }, func(r *Report) bool { return r.Unseen == 1 && r.Partial == 1 }},
		{"a tail within the horizon", func(b *builder) {
			b.lostTail()
			b.tick(1000)
			b.fault("kill redis", history.Tail)
			b.in.Faults[1].HorizonMs = 2000
		}, func(r *Report) bool { return r.LostReported == 1 }},
		{"lost, and acknowledged twice", func(b *builder) {
			b.lostTail()
			ops := b.in.Ops["c"]
			id := ops[len(ops)-1].IDs[0]
			b.ask(history.Op{Do: history.Enqueue, Births: ops[len(ops)-2].Births}, history.OK, id)
			b.fault("kill redis", history.Tail)
		}, func(r *Report) bool { return r.LostReported == 1 && r.Lost == 0 }},
		{"a snooze that was lost", func(b *builder) {
			id := b.planned("1-30", "snooze")
			b.run("1-30", id, 1, "snooze")
			b.tick(100)
			b.run("1-30", id, 1, "ok")
			b.succeed(id, 1, address(id), "A")
			b.tick(60000)
			b.fault("kill redis", history.Tail)
		}, func(r *Report) bool { return r.Unexplained == 0 }},
		{"a consumer that was killed", func(b *builder) { b.live.Members["A"] = "4|7|A" }, func(r *Report) bool { return r.MembersLeft == 1 }},
		{"memory was full", func(b *builder) {
			b.refused()
			b.in.Faults[0].Name = "memory-full"
		}, func(r *Report) bool { return r.Acknowledged == 0 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := clean(t)
			c.spoil(b)
			if r := Check(b.in); r.Failed() || !c.right(&r) {
				t.Error(r.Table())
			}
		})
	}
}

// TestBlameIsKept: what the run found wrong with itself is told behind any number of
// violations, and taken over once.
func TestBlameIsKept(t *testing.T) {
	t.Parallel()
	old, r := newReport(), newReport()
	for i := range 2 * maxViolations {
		old.violate("I1", "%d", i)
	}
	old.Blame("the server did not come back")
	old.violate(OfTheRun, "0 asked: "+nothingTried)
	r.Inherit(old)
	if len(old.Violations) != maxViolations+2 || r.Broken[OfTheRun] != 1 || fmt.Sprint(r.Violations) != "[{run the server did not come back}]" {
		t.Errorf("%d kept, inherited %v", len(old.Violations), r.Violations)
	}
}

// A bulk of births that alternate takes a trip each, one after the other; one of a
// kind takes one.
func TestHeldUpByTrips(t *testing.T) {
	t.Parallel()
	for mixed, want := range map[bool]int{false: 1, true: 0} {
		b := clean(t)
		b.rates(100, 100, 3*secNs)
		op := &b.in.Ops["rates"][200]
		for i := range 40 {
			op.Births = append(op.Births, history.Birth{Queue: "q", InMs: int64(i % 2)})
			if !mixed {
				op.Births[i+1].InMs = 0
			}
		}
		c := checker{in: b.in, r: &Report{}}
		b.in.Ops["rates"] = b.in.Ops["rates"][200:202]
		if n := c.heldUp(op.T, op.T+10*secNs); n != want {
			t.Errorf("mixed %t: %d held up, want %d", mixed, n, want)
		}
	}
}
