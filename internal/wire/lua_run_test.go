package wire

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	lua "github.com/yuin/gopher-lua"
	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/task"
)

// machine runs the codecs of prologue.lua and library.lua, with nothing behind redis.call.
type machine struct {
	*lua.LState
	codecs *lua.LTable
}

const exported = `
return {
  id = function(key, server, at, n) meta, token, ms = key, server, at return ulid(n) end,
  address = address, slot = slot, record = record, parts = parts, int = int,
  entry = function(b)
    ms, lsn, written = 5, 6, nil
    entry('t', b.type, b.payload, b.ref, b.attempt, b.headers, b.opts, b.due, b.prev)
    return written
  end,
  event = function(e) ms, lsn = 5, 6 written = nil event('e', e) return written end,
}`

func newMachine(t *testing.T) *machine {
	t.Helper()
	l := lua.NewState()
	t.Cleanup(l.Close)
	source, _ := shared(t)
	const server = `KEYS, ARGV = {'some'}, {} redis = {call = function() end, pcall = function(...) written = {...} return written[3] end}`
	if err := l.DoString(server); err != nil {
		t.Fatal(err)
	}
	if err := l.DoString(source + exported); err != nil {
		t.Fatal(err)
	}
	codecs, ok := l.Get(-1).(*lua.LTable)
	if !ok {
		t.Fatalf("got %s, want a table of functions", l.Get(-1).Type())
	}
	return &machine{LState: l, codecs: codecs}
}

// run calls a function that answers n values.
func (m *machine) run(t *rapid.T, name string, n int, args ...lua.LValue) []lua.LValue {
	t.Helper()
	top := m.GetTop()
	if err := m.CallByParam(lua.P{Fn: m.codecs.RawGetString(name), NRet: n, Protect: true}, args...); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var out []lua.LValue
	for i := top + 1; i <= top+n; i++ {
		out = append(out, m.Get(i))
	}
	m.SetTop(top)
	return out
}

func (m *machine) list(t *rapid.T, v lua.LValue) (list []string) {
	table, ok := v.(*lua.LTable)
	if !ok {
		t.Fatalf("got %s, want a table", v.Type())
	}
	for i := range table.Len() {
		list = append(list, table.RawGetInt(i+1).String())
	}
	return list
}

// TestLuaIDs: both languages write the same id, and read the same address.
func TestLuaIDs(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	rapid.Check(t, func(t *rapid.T) {
		p, at := task.Partition(rapid.Uint16().Draw(t, "partition")), positions.Draw(t, "at")
		epoch := rapid.OneOf(rapid.IntRange(0, 1<<16-1), rapid.IntRange(0, 1<<20)).Draw(t, "epoch")
		meta := keys.New("ns-1", "q.2", p).Meta
		token := "0123456789ab." + m.run(t, "int", 1, lua.LNumber(epoch))[0].String()
		want := task.NewID(p, uint16(epoch), at)
		got := m.run(t, "id", 1, lua.LString(meta), lua.LString(token), lua.LNumber(at.Ms), lua.LNumber(at.LSN))[0].String()
		if got != want.String() {
			t.Fatalf("partition %d, epoch %d, %s: got %s, want %s", p, epoch, at, got, want)
		}
		back := m.run(t, "address", 2, lua.LString(got))
		if back[0].String() != at.String() || int64(back[1].(lua.LNumber)) != at.LSN {
			t.Fatalf("%s: got address %s, %s, want %s", got, back[0], back[1], at)
		}
	})
}

func TestLuaSlots(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	rapid.Check(t, func(t *rapid.T) {
		want := Slot{
			State: rapid.SampledFrom(task.States()).Draw(t, "state"), LSN: rapid.Int64Range(0, 1<<48-1).Draw(t, "lsn"),
			Item: rapid.IntRange(0, MaxItems-1).Draw(t, "item"),
		}
		b := m.run(t, "slot", 1, lua.LNumber(want.State), lua.LNumber(want.LSN), lua.LNumber(want.Item))[0].String()
		if got := ParseSlot(b); got != want || len(b) != keys.SlotBytes {
			t.Fatalf("% x: got %+v, want %+v", b, got, want)
		}
	})
}

func TestLuaRecords(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(anyText, 0, 9).Draw(t, "values")
		var args []lua.LValue
		for _, v := range values {
			args = append(args, lua.LString(v))
		}
		packed := m.run(t, "record", 1, args...)[0].String()
		if want := Strings(values...); packed != want {
			t.Fatalf("record: got %q, want %q", packed, want)
		}
		if got := m.list(t, m.run(t, "parts", 1, lua.LString(packed))[0]); !slices.Equal(got, values) {
			t.Fatalf("parts: got %q, want %q", got, values)
		}
	})
}

// TestLuaEntries: what entry and event write has the fields of this package with
// the values they were given, and is read as one event at its place.
func TestLuaEntries(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	given := map[string]string{
		"type": "email", "payload": "{}", "ref": "01HF7YAG7G003G0080000003X0", "attempt": "2", "headers": "1:a1:b", "opts": "r5", "due": "4",
		"prev": "3-3", "outcome": "retry", "consumer": "n1-a", "n": "1", "error": "boom", "actor": "ann", "reason": "why", "extra": "9/1",
	}
	at := task.Position{Ms: 5, LSN: 7}
	for name, schema := range map[string][]string{"entry": BirthFields, "event": EventFields} {
		rapid.Check(t, func(t *rapid.T) {
			table, want := m.NewTable(), map[string]string{}
			for _, f := range schema[1:] {
				if v := given[f]; v != "" && (name == "entry" || rapid.Bool().Draw(t, f)) {
					table.RawSetString(f, lua.LString(v))
					want[f] = v
				}
			}
			want["v"] = Version
			if name == "event" {
				want["kind"] = Outcome
			}
			if _, ok := want["n"]; !ok && name == "event" {
				want["n"] = "1"
			}
			written := m.list(t, m.run(t, name, 1, table)[0])
			if got := written[2]; got != at.String() {
				t.Fatalf("%s: got id %s, want %s", name, got, at)
			}
			var f Fields
			for _, v := range written[3:] {
				f = append(f, []byte(v))
			}
			if diff := cmp.Diff(fieldsOf(schema, want), f); diff != "" {
				t.Fatalf("%s: want - got +\n%s", name, diff)
			}
			e := Events(1, at, f)[0]
			if known := name == "entry" || want["outcome"] != ""; known == (e.Kind == task.Unknown) {
				t.Fatalf("%s %v: got %s", name, want, e.Kind)
			}
		})
	}
}
