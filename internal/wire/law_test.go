package wire

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/task"
)

// anyText draws strings of any bytes.
var anyText = rapid.Custom(func(t *rapid.T) string {
	return string(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "bytes"))
})

func millis(t *rapid.T, label string) time.Duration {
	return time.Duration(rapid.Int64Range(0, math.MaxInt64/int64(time.Millisecond)).Draw(t, label)) * time.Millisecond
}

var allOpts = rapid.Custom(func(t *rapid.T) task.Opts {
	o := task.Opts{
		Retries: int(rapid.Int32Min(-1).Draw(t, "retries")), Timeout: millis(t, "timeout"), Base: int(rapid.Int32Min(0).Draw(t, "base")),
		Crashes: int(rapid.Int32Min(0).Draw(t, "crashes")), Unrouted: int(rapid.Int32Min(0).Draw(t, "unrouted")), KeyTTL: millis(t, "ttl"), Key: anyText.Draw(t, "key"),
	}
	if ms := rapid.Int64Min(0).Draw(t, "deadline"); ms > 0 {
		o.Deadline = time.UnixMilli(ms)
	}
	return o
})

func TestOptsRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := allOpts.Draw(t, "opts")
		got, err := ParseOpts(Opts(want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q: want - got +\n%s", Opts(want), diff)
		}
	})
}

func TestStringsRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOf(anyText).Draw(t, "values")
		got, err := Split(Strings(want...))
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	})
}

func TestHeadersRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.MapOfN(anyText, anyText, 1, -1).Draw(t, "headers")
		got, err := ParseHeaders(Headers(want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("want - got +\n%s", diff)
		}
	})
}

var positions = rapid.Custom(func(t *rapid.T) task.Position {
	return task.Position{Ms: rapid.Int64Range(0, 1<<48-1).Draw(t, "ms"), LSN: rapid.Int64Range(0, 1<<48-1).Draw(t, "lsn")}
})

func drawItem(t *rapid.T, p task.Partition) Item {
	birth := positions.Draw(t, "birth")
	it := Item{
		Task: task.NewID(p, rapid.Uint16().Draw(t, "epoch"), birth), Entry: birth,
		Attempt: int(rapid.Int32Min(1).Draw(t, "attempt")), Crashes: int(rapid.Int32Min(0).Draw(t, "crashes")),
		Ran: time.Duration(rapid.Int64Range(0, int64(maxRan)).Draw(t, "ran")) * time.Microsecond,
	}
	if rapid.Bool().Draw(t, "reported") {
		it.Result = task.Digest(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "result"))
	}
	if rapid.Bool().Draw(t, "released") {
		it.Entry = positions.Draw(t, "entry")
	}
	return it
}

// TestItemsRoundTrip: any items, packed against any base, come back; so does any
// part of them, since a script joins those that it recorded.
func TestItemsRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, base := task.Partition(rapid.Uint16().Draw(t, "partition")), positions.Draw(t, "base")
		var want []Item
		var packed []byte
		for range rapid.IntRange(0, 20).Draw(t, "items") {
			it := drawItem(t, p)
			one := AppendItem(nil, base, it)
			if silent := it; !it.Result.IsZero() {
				silent.Result = task.Digest{}
				if n := len(AppendItem(nil, base, silent)) + 1 + len(it.Result); len(one) != n {
					t.Fatalf("%+v takes %d bytes, want %d", it, len(one), n)
				}
			}
			if len(one) < minItem {
				t.Fatalf("%+v takes %d bytes, at least %d are supposed", it, len(one), minItem)
			}
			if rapid.Bool().Draw(t, "recorded") {
				want, packed = append(want, it), append(packed, one...)
			}
		}
		got, err := Items(p, base, len(want), packed)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(append([]Item{}, want...), got); diff != "" {
			t.Fatalf("want - got +\n%s", diff)
		}
		if _, err := Items(p, base, len(want)+1, packed); err == nil {
			t.Fatal("one item more was read than there are")
		}
	})
}

func TestRanRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ran := time.Duration(rapid.Int64Min(0).Draw(t, "ran"))
		crashes := int(rapid.Int32Min(0).Draw(t, "crashes"))
		got, n := ParseRan([]byte(Ran(ran, crashes)))
		if got != ran.Truncate(time.Microsecond) || n != crashes {
			t.Fatalf("%v, %d: got %v, %d", ran, crashes, got, n)
		}
	})
}

// slot is the reverse of ParseSlot, as prologue.lua writes it.
func slot(s Slot) string {
	b := [8]byte{byte(s.State), 7: byte(s.Item)}
	for i, n := 6, s.LSN; i > 0; i, n = i-1, n>>8 {
		b[i] = byte(n)
	}
	return string(b[:])
}

func TestSlotRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := Slot{
			State: rapid.SampledFrom(task.States()).Draw(t, "state"), LSN: rapid.Int64Range(0, 1<<48-1).Draw(t, "lsn"),
			Item: rapid.IntRange(0, MaxItems-1).Draw(t, "item"),
		}
		if got := ParseSlot(slot(want)); got != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

// TestFieldsInAnyOrder: fields are found wherever they stand, among others too.
func TestFieldsInAnyOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := task.Position{Ms: 5, LSN: 6}
		values := map[string]string{
			"v": "1", "type": "email", "payload": "{}", "ref": "3", "attempt": "2", "headers": "1:a1:b", "opts": "r5", "due": "9", "prev": "1-2",
		}
		names := slices.Concat(BirthFields, []string{"zone", "also"})
		want := Events(1, at, fieldsOf(BirthFields, values))
		got := Events(1, at, fieldsOf(rapid.Permutation(names).Draw(t, "order"), values))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("want - got +\n%s", diff)
		}
	})
}

// TestEntriesAreCopied: the buffer that an entry was read into is read into again.
func TestEntriesAreCopied(t *testing.T) {
	t.Parallel()
	birth := map[string]string{"v": "1", "type": "email", "payload": "{}", "ref": "3", "attempt": "2", "headers": "1:a1:b", "opts": "r5"}
	note := map[string]string{"v": "1", "kind": "trimmed", "reason": "age", "extra": "1 4000"}
	odd := map[string]string{"v": "1", "kind": "of a newer version"}
	for _, f := range []Fields{fieldsOf(BirthFields, birth), fieldsOf(EventFields, note), fieldsOf(EventFields, odd)} {
		text := func(b []byte) string { return string(b) }
		d, _ := Delivery(1, place, f, text)
		es := Events(1, place, f)
		want := cmp.Diff(d, task.Delivery{}) + cmp.Diff(es, []task.Event{})
		for _, v := range f {
			for i := range v {
				v[i] = 'x'
			}
		}
		if got := cmp.Diff(d, task.Delivery{}) + cmp.Diff(es, []task.Event{}); got != want {
			t.Errorf("got, after the buffer was overwritten:\n%s\nwant:\n%s", got, want)
		}
	}
}

func fieldsOf(names []string, values map[string]string) (f Fields) {
	for _, name := range names {
		f = append(f, []byte(name), []byte(values[name]))
	}
	return f
}

// TestNumber: what is no number of 18 digits is 0, on every platform.
func TestNumber(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int64{
		"": 0, "0": 0, "7": 7, "1700000000123": 1700000000123, "999999999999999999": 999999999999999999,
		"1000000000000000000": 0, "-1": 0, "+1": 0, "1x": 0, "x1": 0, "1.5": 0, " 1": 0,
	} {
		if got, same := number(s), number([]byte(s)); got != want || same != want {
			t.Errorf("%q: got %d and %d, want %d", s, got, same, want)
		}
	}
}
