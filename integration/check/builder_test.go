package check

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"testing"

	"github.com/oklog/ulid/v2"

	"github.com/tidemill/tidemill/integration/history"
)

const (
	wall0  = int64(1795365844000) // the wall clock when the run begins
	token  = "38acc222c2b7.1795365844000.1"
	worker = "w/7"
	other  = "w/8"
)

// builder writes a plausible run by hand: what clients said, the raw log, the
// journal and the live keys, each on its own.
type builder struct {
	t     *testing.T
	in    *Input
	clock int64 // ms since the run began
	lsn   int64
	calls int64
	live  *history.Live
	slots []byte
}

func newBuilder(t *testing.T) *builder {
	t.Helper()
	live := &history.Live{
		Queue: "q", Partition: 3, Waiting: map[string]int64{}, Cancels: map[string]int64{}, Dead: map[string]int64{},
		Members: map[string]string{}, Meta: map[string]string{"schema": "1", "token": token, "floor": "1"},
		Chunks: map[string][]byte{"0": make([]byte, chunkSlots*slotBytes)},
	}
	for _, k := range []string{"t stream", "e stream", "m hash", "f hash", "x zset", "y hash", "o:0 string"} {
		var name, typ string
		_, _ = fmt.Sscan(k, &name, &typ)
		live.Keys = append(live.Keys, history.Key{Name: "tm:{ns/q/3}:" + name, Type: typ, TTLMs: -1})
	}
	live.Keys = append(live.Keys,
		history.Key{Name: "tm:{ns/q/3}:p:one", Type: "string", TTLMs: 1000}, history.Key{Name: "tm:{ns}:queues", Type: "hash", TTLMs: -1})
	b := &builder{t: t, live: live, slots: live.Chunks["0"], in: &Input{
		Run: history.Run{Drained: true, Namespace: "ns"}, Ops: map[string][]history.Op{},
		Parts: []Partition{{Queue: "q", Number: 3, Live: live}},
	}}
	b.event("kind", "epoch", "reason", "created", "n", "0", "extra", "0:"+net(token)+net("0")+net("0"))
	return b
}

func net(s string) string { return strconv.Itoa(len(s)) + ":" + s }

func (b *builder) T() int64 { return (b.clock + 1000) * msNs }

func (b *builder) tick(ms int64) { b.clock += ms }

func (b *builder) count(name string, n int64) {
	b.live.Meta[name] = strconv.FormatInt(number(b.live.Meta[name])+n, 10)
}

// add appends an entry, fields in the given order.
func (b *builder) add(stream string, names []string, words ...string) pos {
	b.lsn++
	at := pos{wall0 + b.clock, b.lsn}
	values := map[string]string{"v": "1"}
	for i := 0; i < len(words); i += 2 {
		values[words[i]] = words[i+1]
	}
	e := history.Entry{Stream: stream, ID: at.String(), T: b.T()}
	for _, name := range names {
		e.Fields = append(e.Fields, []byte(name), []byte(values[name]))
	}
	p := &b.in.Parts[0]
	p.Log = append(p.Log, e)
	b.live.Meta["lsn"] = strconv.FormatInt(b.lsn, 10)
	if stream == "t" {
		b.live.Delivered = at.String()
	}
	return at
}

func (b *builder) event(words ...string) pos {
	return b.add("e", []string{"v", "kind", "ref", "attempt", "consumer", "n", "outcome", "error", "actor", "reason", "due", "prev", "extra"}, words...)
}

func (b *builder) entry(stream string, words ...string) pos {
	return b.add(stream, []string{"v", "type", "payload", "ref", "attempt", "headers", "opts", "due", "prev"}, words...)
}

func (b *builder) slot(id ulid.ULID, s state, lsn int64, item byte) {
	at := address(id).lsn * slotBytes
	binary.BigEndian.PutUint64(b.slots[at:], uint64(s)<<56|uint64(lsn)<<8|uint64(item))
}

// ask notes an operation of a client, and how it ended.
func (b *builder) ask(op history.Op, res string, ids ...string) {
	b.calls++
	op.T, op.N, op.Res = b.T(), b.calls, history.Invoke
	b.in.Ops["c"] = append(b.in.Ops["c"], op)
	if res != "" {
		b.in.Ops["c"] = append(b.in.Ops["c"], history.Op{T: b.T(), N: b.calls, Do: op.Do, Res: res, IDs: ids, ID: op.ID})
	}
}

// birth is one task, asked for and acknowledged; inMs 0: now.
func (b *builder) birth(tag string, inMs int64) ulid.ULID {
	stream, due := "t", ""
	if inMs > 0 {
		stream, due = "e", strconv.FormatInt(wall0+b.clock+inMs, 10)
	}
	b.count("enqueued", 1)
	at := b.entry(stream, "type", "planned", "payload", tag+" ok", "ref", "1", "attempt", "1", "due", due)
	id := makeID(at, 3, 1)
	birth := history.Birth{Tag: tag, Queue: "q", Plan: "ok", InMs: inMs}
	b.ask(history.Op{Do: history.Enqueue, Births: []history.Birth{birth}}, history.OK, id.String())
	return id
}

// planned is a birth of a plan.
func (b *builder) planned(tag, plan string) ulid.ULID {
	id := b.birth(tag, 0)
	ops := b.in.Ops["c"]
	ops[len(ops)-2].Births[0].Plan = plan
	return id
}

func (b *builder) effect(what, tag string, id ulid.ULID, n int, node, outcome string) {
	b.tick(1)
	b.in.Effects = append(b.in.Effects, history.Effect{
		What: what, Tag: tag, ID: id.String(), Attempt: n, Node: node, T: b.T(), WallMs: wall0 + b.clock, Outcome: outcome,
	})
	b.tick(1)
}

// run is a handler from start to end.
func (b *builder) run(tag string, id ulid.ULID, n int, outcome string) {
	b.effect(history.Start, tag, id, n, worker, "")
	b.effect(history.End, tag, id, n, worker, outcome)
}

// release makes a waiting task deliverable when it is due.
func (b *builder) release(tag string, id ulid.ULID, n int, due int64, prev pos) pos {
	b.clock = max(b.clock, due-wall0)
	at := b.entry("t", "type", "planned", "payload", tag+" ok", "ref", id.String(), "attempt", strconv.Itoa(n),
		"due", strconv.FormatInt(due, 10), "prev", prev.String())
	b.slot(id, ready, at.lsn, 0)
	return at
}

// outcome is any but a success.
func (b *builder) outcome(word string, s state, id ulid.ULID, n int, prev pos, more ...string) pos {
	at := b.event(append([]string{
		"kind", "outcome", "outcome", word, "ref", id.String(), "attempt", strconv.Itoa(n), "n", "1", "prev", prev.String(),
	}, more...)...)
	b.slot(id, s, at.lsn, 0)
	b.count(word, 1)
	return at
}

// succeed packs one success: of its birth, or of a release; with a result, if there is one.
func (b *builder) succeed(id ulid.ULID, n int, entry pos, consumer string, result ...byte) {
	birth := address(id)
	extra := binary.AppendUvarint(nil, 1)
	extra = append(extra, 0, 0)
	if len(result) > 0 {
		extra = append(append(extra, 0), result...)
	}
	flags := uint64(n) * 4
	if entry != birth {
		flags += 2
	}
	extra = binary.AppendUvarint(extra, flags)
	extra = append(extra, 7)
	if entry != birth {
		extra = binary.AppendVarint(extra, entry.ms-birth.ms)
		extra = binary.AppendVarint(extra, entry.lsn-birth.lsn)
	}
	at := b.event("kind", "outcome", "outcome", "succeeded", "consumer", consumer, "n", "1", "prev", birth.String(), "extra", string(extra))
	b.slot(id, succeeded, at.lsn, 0)
	b.count("succeeded", 1)
}
