package check

import (
	"math"
	"strconv"
	"testing"

	"github.com/tidemill/tidemill/integration/history"
)

// lostTail: Redis forgets the last birth, and says so with a new epoch.
func (b *builder) lostTail() {
	b.birth("1-30", 0)
	p := &b.in.Parts[0]
	last := len(p.Log) - 1
	p.Orphans = append(p.Orphans, p.Log[last])
	p.Log = p.Log[:last]
	b.count("enqueued", -1)
	survived := b.lsn - 1
	b.lsn += 1 << 28
	b.event("kind", "epoch", "reason", "restart", "n", "0",
		"extra", net(token)+net("x.1.2")+net(strconv.FormatInt(survived, 10))+net(strconv.FormatInt(survived+1, 10)))
}

// fault is one of the run.
func (b *builder) fault(name, loses string) {
	b.in.Faults = append(b.in.Faults, history.Fault{Name: name, From: b.T(), To: b.T() + secNs, Observed: 1, Loses: loses})
}

// TestExplained: what a fault may do is counted, and no violation.
func TestExplained(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		spoil func(b *builder)
		count func(r *Report) int // 1 is right
	}{
		{"a lost tail", func(b *builder) {
			b.fault("kill redis", history.Tail)
			b.lostTail()
		}, func(r *Report) int { return r.LostReported }},
		{"a flush", func(b *builder) {
			b.fault("flush", history.All)
			b.lostTail()
		}, func(r *Report) int { return r.LostReported }},
		{"an entry that was taken, unseen", func(b *builder) {
			b.birth("1-30", 0)
			b.drop(len(b.in.Parts[0].Log) - 1)
			b.fault("xdel", history.Cutting)
			b.birthDone("1-31")
		}, func(r *Report) int { return r.Taken }},
		{"an entry that was taken from its delivery", func(b *builder) {
			id := b.stuck()
			b.live.Pending = nil
			b.fault("xdel", history.Cutting)
			b.event("kind", "entry_lost", "consumer", "A", "n", "1", "prev", address(id).String())
			b.count("open", -1)
		}, func(r *Report) int { return r.Taken }},
		{"an entry that was taken before its delivery", func(b *builder) {
			b.stuck()
			b.live.Pending = nil
			b.fault("xdel", history.Cutting)
			b.log(len(b.in.Parts[0].Log) - 1).Gone = true
		}, func(r *Report) int { return r.Taken }},
		{"a clock that ran ahead", func(b *builder) {
			s := b.starts("1-2")[0]
			b.in.Clock = []history.Clock{{T: s.T - 100*msNs, OffsetMs: 60}}
			s.T, s.WallMs = s.T-50*msNs, s.WallMs-50
			for i := range b.in.Parts[0].Log {
				b.in.Parts[0].Log[i].T += secNs
			}
		}, func(r *Report) int { return 1 - r.Early }},
		{"a rebuilt group", func(b *builder) {
			id := b.birth("1-30", 0)
			b.run("1-30", id, 1, "ok")
			b.event("kind", "recovered", "n", "0", "extra", address(id).String()+" "+token)
			b.run("1-30", id, 1, "ok")
			b.succeed(id, 1, address(id), "A")
		}, func(r *Report) int { return r.ExecutedAgain["no fault"] + r.ExecutedAgain["kill"] - 1 }},
		{"a hand-back", func(b *builder) {
			id := b.birth("1-30", 0)
			b.effect(history.Start, "1-30", id, 1, worker, "")
			b.effect(history.Cut, "1-30", id, 1, worker, "")
			at := b.entry("t", "type", "planned", "payload", "1-30 ok", "ref", id.String(), "attempt", "1", "prev", address(id).String())
			b.run("1-30", id, 1, "ok")
			b.succeed(id, 1, at, "A")
		}, func(r *Report) int { return r.ExecutedAgain["kill"] - 1 }},
		{"a fault that did not bite", func(b *builder) {
			b.in.Faults = append(b.in.Faults, history.Fault{Name: "nothing", Loses: history.Nothing})
		}, func(r *Report) int { return len(r.Void) }},
		{"a stranger's entry", func(b *builder) {
			p := &b.in.Parts[0]
			p.Log = append(p.Log, history.Entry{Stream: "t", ID: "9-9", Fields: [][]byte{[]byte("a"), []byte("b")}})
		}, func(r *Report) int { return 1 }},
		{"a mark and a tombstone", func(b *builder) {
			id := b.birth("1-30", 0)
			at := b.outcome("cancelled", cancelled, id, 0, address(id), "actor", "ann")
			b.ask(history.Op{Do: history.Cancel, ID: id.String()}, history.OK)
			b.live.Cancels[strconv.FormatInt(address(id).lsn, 10)] = -at.lsn
			b.live.Delivered = b.log(b.birthOf("1-10")).ID
		}, func(r *Report) int { return r.Cancelled - 1 }},
		{"back at the rate", func(b *builder) { b.rates(100, 90, 0) }, func(r *Report) int {
			if math.Abs(r.RateBack-0.9) < 1e-9 {
				return 1
			}
			return 0
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := clean(t)
			c.spoil(b)
			r := Check(b.in)
			if r.Failed() || c.count(&r) != 1 {
				t.Errorf("count %d, want 1:\n%s", c.count(&r), r.Table())
			}
		})
	}
}

// birthDone is a task that ran and succeeded.
func (b *builder) birthDone(tag string) {
	id := b.birth(tag, 0)
	b.run(tag, id, 1, "ok")
	b.succeed(id, 1, address(id), "A")
}

// TestUnexplained: the same losses without the fault that allows them.
func TestUnexplained(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		spoil func(b *builder)
	}{
		{"no fault", (*builder).lostTail},
		{"a fault that was healed before", func(b *builder) {
			b.fault("kill redis", history.Tail)
			b.tick(5000)
			b.lostTail()
		}},
		{"a tail does not go back so far", func(b *builder) {
			b.lostTail()
			b.tick(5000)
			b.fault("kill redis", history.Tail)
			b.in.Faults[1].HorizonMs = 2000
		}},
		{"a replica had it", func(b *builder) {
			b.fault("kill redis", history.Tail)
			b.lostTail()
			b.in.Ops["c"][len(b.in.Ops["c"])-2].Births[0].Replicated = true
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := clean(t)
			c.spoil(b)
			r := Check(b.in)
			if r.Lost != 1 || r.Broken["I1"] != 1 {
				t.Errorf("lost %d:\n%s", r.Lost, r.Table())
			}
		})
	}
}
