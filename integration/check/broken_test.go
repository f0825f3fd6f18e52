package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/integration/history"
)

// find is the nth entry, from 0, with a field of that value.
func (b *builder) find(name, value string, nth int) int {
	b.t.Helper()
	for i := range b.in.Parts[0].Log {
		if get(&b.in.Parts[0].Log[i], name) == value {
			if nth--; nth < 0 {
				return i
			}
		}
	}
	b.t.Fatalf("no entry with %s %q", name, value)
	return 0
}

func (b *builder) log(i int) *history.Entry { return &b.in.Parts[0].Log[i] }

// drop removes an entry from what was seen.
func (b *builder) drop(i int) { b.in.Parts[0].Log = slices.Delete(b.in.Parts[0].Log, i, i+1) }

func (b *builder) starts(tag string) []*history.Effect {
	var out []*history.Effect
	for i := range b.in.Effects {
		if e := &b.in.Effects[i]; e.Tag == tag && e.What == history.Start {
			out = append(out, e)
		}
	}
	return out
}

func (b *builder) birthOf(tag string) int { return b.find("payload", tag+" ok", 0) }

// TestBroken: each history breaks one thing, and the checker must say so.
func TestBroken(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, want string
		spoil      func(b *builder)
	}{
		{"an acknowledged birth is not there", "I1", func(b *builder) { b.drop(b.birthOf("1-1")) }},
		{"a hole in the log", "I5", func(b *builder) { b.drop(b.birthOf("1-1")) }},
		{"another payload", "I1", func(b *builder) { set(b.log(b.birthOf("1-1")), "payload", "1-77 ok") }},
		{"a partition nobody saw", "I1", func(b *builder) { b.in.Parts = nil }},
		{"an id that is none", "I1", func(b *builder) { b.in.Ops["c"][1].IDs[0] = "nonsense" }},
		{"ok without ids", "I1", func(b *builder) { b.in.Ops["c"][1].IDs = nil }},
		{"refused, and there", "I1", func(b *builder) { b.in.Ops["c"][1].Res, b.in.Ops["c"][1].IDs = history.Fail, nil }},
		{"nobody asked", "I1", func(b *builder) { b.in.Ops["c"] = b.in.Ops["c"][2:] }},
		{"born in another queue", "I1", func(b *builder) { b.in.Ops["c"][0].Births[0].Queue = "r" }},
		{"born twice", "I8", func(b *builder) { b.birth("1-1", 60000) }},
		{"a key with two tasks", "I8", func(b *builder) { set(b.log(b.birthOf("1-1")), "opts", "ka%2Cb") }},
		{"known without a key", "I1", func(b *builder) { b.in.Ops["c"][1].Known = []bool{true} }},
		{"a requeue that is not there", "I1", func(b *builder) {
			b.ask(history.Op{Do: history.Requeue, ID: b.in.Ops["c"][1].IDs[0]}, history.OK)
		}},
		{"two ends", "I2", func(b *builder) {
			id, _ := parseID(b.in.Ops["c"][1].IDs[0])
			b.outcome("dead", dead, id, 1, address(id), "consumer", "A", "reason", "buried")
		}},
		{"released though it does not wait", "I2", func(b *builder) {
			id, _ := parseID(b.in.Ops["c"][1].IDs[0])
			b.release("1-1", id, 2, wall0+b.clock, address(id))
		}},
		{"settled by one who had lost it", "I3", func(b *builder) {
			set(b.log(b.find("consumer", "B", 0)), "consumer", "A")
		}},
		{"acknowledged before it ran", "I3", func(b *builder) { b.in.Effects = b.in.Effects[1:]; b.in.Effects[0].T += 3600 * secNs }},
		{"succeeded without an end", "I3", func(b *builder) { b.in.Effects[1].Outcome = "retry" }},
		{"another result", "plan", func(b *builder) {
			e := b.log(b.find("outcome", "succeeded", 0))
			set(e, "extra", strings.Replace(get(e, "extra"), string(digestOf("1-1")), string(digestOf("1-2")), 1))
		}},
		{"a result that is cut", "I5", func(b *builder) {
			e := b.log(b.find("outcome", "succeeded", 0))
			set(e, "extra", strings.Replace(get(e, "extra"), string(digestOf("1-1")), "", 1))
		}},
		{"buried without a start", "I3", func(b *builder) {
			b.in.Effects = slices.DeleteFunc(b.in.Effects, func(e history.Effect) bool { return e.Tag == "1-5" })
		}},
		{"early by the client's clock", "I4", func(b *builder) { b.starts("1-2")[0].T -= 20 * msNs }},
		{"early by the clock of redis", "I4", func(b *builder) { b.starts("1-3")[1].WallMs -= 20 }},
		{"early after a snooze", "I4", func(b *builder) { b.starts("1-4")[1].WallMs -= 20 }},
		{"released early", "I4", func(b *builder) {
			set(b.log(b.find("payload", "1-2 ok", 1)), "due", strconv.FormatInt(wall0+b.clock+9, 10))
		}},
		{"started after a cancel", "I4", func(b *builder) {
			id := b.in.Ops["c"][b.opOf(history.Cancel)].ID
			b.in.Effects = append(b.in.Effects, history.Effect{What: history.Start, Tag: "1-6", ID: id, Attempt: 1, Node: worker, T: b.T() + 100*secNs, WallMs: wall0 + b.clock + 100000})
		}},
		{"ran, and was never born", "I1", func(b *builder) { b.in.Effects[0].ID = b.in.Effects[0].ID[:25] + "0" }},
		{"executed again without a cause", "I11", func(b *builder) {
			id, _ := parseID(b.in.Ops["c"][1].IDs[0])
			b.run("1-1", id, 1, "ok")
		}},
		{"an entry followed twice", "I8", func(b *builder) {
			set(b.log(b.find("payload", "1-3 ok", 1)), "prev", b.log(b.birthOf("1-3")).ID)
		}},
		{"the outcome of another entry", "I8", func(b *builder) {
			set(b.log(b.find("outcome", "dead", 1)), "prev", "1-1")
		}},
		{"an entry nobody can read", "I5", func(b *builder) { set(b.log(b.find("outcome", "succeeded", 0)), "extra", "\x01") }},
		{"stuck", "stuck", func(b *builder) { b.stuck() }},
		{"not drained", "stuck", func(b *builder) { b.in.Run.Drained = false }},
		{"open, and gone from the stream", "I7", func(b *builder) { b.stuck(); b.log(len(b.in.Parts[0].Log) - 1).Gone = true }},
		{"an entry was lost", "I7", func(b *builder) {
			id := b.stuck()
			b.event("kind", "entry_lost", "consumer", "A", "n", "1", "prev", address(id).String())
			b.count("open", -1)
		}},
		{"waits without a birth", "I7", func(b *builder) {
			id := b.birth("1-20", 60000)
			b.live.Waiting[id.String()] = wall0 + b.clock + 60000
			b.log(len(b.in.Parts[0].Log) - 1).Gone = true
		}},
		{"open in the log alone", "I6", func(b *builder) { b.stuck(); b.live.Pending = nil }},
		{"pending in redis alone", "I6", func(b *builder) {
			b.live.Pending = []history.Pending{{ID: b.log(b.birthOf("1-1")).ID, Consumer: "A", Count: 1}}
		}},
		{"undelivered, and settled", "I6", func(b *builder) { b.live.Delivered = "0-0" }},
		{"waits in the log alone", "I6", func(b *builder) { b.birth("1-20", 60000) }},
		{"waits in redis alone", "I6", func(b *builder) { b.live.Waiting[b.in.Ops["c"][1].IDs[0]] = 1 }},
		{"another due", "I6", func(b *builder) { b.live.Waiting[b.birth("1-20", 60000).String()] = 1 }},
		{"dead in redis alone", "I6", func(b *builder) { b.live.Dead[b.in.Ops["c"][1].IDs[0]] = 1 }},
		{"dead in the log alone", "I6", func(b *builder) { clear(b.live.Dead) }},
		{"dead without a grave", "I6", func(b *builder) { b.live.Graves = nil }},
		{"a counter", "I6", func(b *builder) { b.count("succeeded", 1) }},
		{"the clock", "I6", func(b *builder) { b.live.Meta["lsn"] = "1" }},
		{"a slot", "I6", func(b *builder) { b.slots[2*slotBytes] = byte(dead) }},
		{"a slot of nobody", "I6", func(b *builder) { b.slots[500*slotBytes] = byte(dead) }},
		{"a mark of nobody", "I6", func(b *builder) { b.live.Cancels["2"] = 7 }},
		{"a tombstone of nobody", "I6", func(b *builder) { b.live.Cancels["2"] = -7 }},
		{"a cancel without a mark", "I6", func(b *builder) {
			b.event("kind", "cancel_requested", "ref", b.stuck().String(), "n", "1", "prev", "")
		}},
		{"live keys not read", "I6", func(b *builder) { b.in.Parts[0].Live = nil }},
		{"a copy that is left", "I9", func(b *builder) { b.live.Copies = []string{b.in.Ops["c"][1].IDs[0]} }},
		{"a grave without its date", "I9", func(b *builder) { b.live.Graves = append(b.live.Graves, "1") }},
		{"a key of no kind", "I9", func(b *builder) { b.key("q", "hash", -1) }},
		{"a key of another type", "I9", func(b *builder) { b.key("z", "hash", -1) }},
		{"a session without end", "I9", func(b *builder) { b.key("p:x", "string", -1) }},
		{"a chunk that was removed", "I9", func(b *builder) { b.live.Meta["chunk"] = "1" }},
		{"a consumer that is left", "I9", func(b *builder) { b.live.Members["A"] = "4|7|A"; b.in.Faults = nil }},
		{"slow for ever", "I12", func(b *builder) { b.rates(100, 70, 0) }},
		{"held up for ever", "I12", func(b *builder) { b.rates(100, 100, 3*secNs) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := clean(t)
			c.spoil(b)
			r := Check(b.in)
			if r.Broken[c.want] == 0 {
				t.Errorf("no violation of %s:\n%s", c.want, r.Table())
			}
			if !r.Failed() {
				t.Error("not failed")
			}
		})
	}
}

func (b *builder) opOf(do string) int {
	return slices.IndexFunc(b.in.Ops["c"], func(op history.Op) bool { return op.Do == do })
}

func (b *builder) key(name, typ string, ttl int64) {
	b.live.Keys = append(b.live.Keys, history.Key{Name: "tm:{ns/q/3}:" + name, Type: typ, TTLMs: ttl})
}

// rates is a minute of load, one enqueue a second that has no patience, the fault from
// its 20th second to the 25th.
func (b *builder) rates(before, after, took int64) {
	const at = 1000 * secNs // nothing else is asked for by then
	b.in.Run.Seconds = 60
	b.in.Faults = []history.Fault{{Name: "busy", From: at + 20*secNs, To: at + 25*secNs, Observed: 1, Loses: history.Nothing}}
	for i := range int64(60) {
		n := before
		if i >= 20 {
			n = after
		}
		b.in.Rates = append(b.in.Rates, history.Rate{T: at + i*secNs, N: n})
		for n := 2 * i; n < 2*i+2; n++ { // two births a second
			op := history.Op{T: at + n*secNs/2, N: n, Do: history.Enqueue, Res: history.Invoke, Births: []history.Birth{{Tag: fmt.Sprint("rate-", n), Queue: "q"}}}
			refused := history.Op{T: op.T + took, N: n, Do: history.Enqueue, Res: history.Fail, Err: "context deadline exceeded"}
			b.in.Ops["rates"] = append(b.in.Ops["rates"], op, refused)
		}
	}
}
