package wire

import (
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/task"
)

// Decoders read what anybody may have written: they never panic, they allocate
// at most a small multiple of the input, and what they read they write back.
// Each testdata/fuzz/FuzzX is a seed corpus.

// bounded runs decode, which may allocate factor bytes for each of n and a few
// more. Others allocate meanwhile, so the least of some runs counts.
func bounded(t *testing.T, n, factor int, decode func()) {
	t.Helper()
	const few = 4096
	least := uint64(math.MaxUint64)
	for range 20 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		decode()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
		if least <= uint64(n*factor+few) {
			return
		}
	}
	t.Errorf("got %d bytes allocated for an input of %d, want at most %d a byte", least, n, factor)
}

func FuzzSplit(f *testing.F) {
	f.Add("")
	f.Add("3:abc0:")
	f.Add(strings.Repeat("0:", 100))
	f.Add("99999999999:")
	f.Fuzz(func(t *testing.T, s string) {
		var values []string
		var err error
		bounded(t, len(s), 64, func() { values, err = Split(s) })
		if err != nil {
			return
		}
		if again, err := Split(Strings(values...)); err != nil || !slices.Equal(again, values) {
			t.Errorf("%q: got %q, then %q, %v", s, values, again, err)
		}
	})
}

func FuzzParseHeaders(f *testing.F) {
	f.Add("")
	f.Add("11:traceparent6:00-1-2")
	f.Add("1:a1:b1:a1:c")
	f.Add("1:a")
	f.Fuzz(func(t *testing.T, s string) {
		var h map[string]string
		var err error
		bounded(t, len(s), 64, func() { h, err = ParseHeaders(s) })
		if err != nil {
			return
		}
		again, err := ParseHeaders(Headers(h))
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if diff := cmp.Diff(h, again); diff != "" {
			t.Errorf("%q: first - again +\n%s", s, diff)
		}
	})
}

func FuzzParseOpts(f *testing.F) {
	f.Add("")
	f.Add("r5,t60000,d1700000000123,b3,c2,u86400000,kinvoice%2C42")
	f.Add("r-1,z9,")
	f.Add("t9223372036854775807")
	f.Fuzz(func(t *testing.T, s string) {
		var o task.Opts
		var err error
		bounded(t, len(s), 16, func() { o, err = ParseOpts(s) })
		if err != nil {
			return
		}
		again, err := ParseOpts(Opts(o))
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if diff := cmp.Diff(o, again); diff != "" {
			t.Errorf("%q: first - again +\n%s", s, diff)
		}
	})
}

func FuzzItems(f *testing.F) {
	f.Add(int64(1000), int64(10), 1, []byte("\x01\x00\x00\x04\xdc\v"))
	f.Add(int64(1000), int64(10), 2, []byte("\x01\x00\x00\x04\x00\x01\x00\x02\x07\x00\x02\x04\x01"))
	f.Add(int64(1000), int64(10), 1, []byte("\x01\x00\x00\x000123456789abcdef\x04\xdc\v"))
	f.Add(int64(math.MaxInt64), int64(math.MaxInt64), 1, []byte("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02\x04\x00"))
	f.Add(int64(0), int64(0), math.MaxInt32, []byte(""))
	f.Add(int64(0), int64(0), MaxItems, make([]byte, MaxItems))
	f.Fuzz(func(t *testing.T, ms, lsn int64, n int, b []byte) {
		base := task.Position{Ms: ms, LSN: lsn}
		var items []Item
		var err error
		bounded(t, len(b), 16, func() { items, err = Items(partition, base, n, b) })
		if err != nil {
			return
		}
		if len(items) != n {
			t.Fatalf("got %d items, want %d", len(items), n)
		}
		var packed []byte
		for _, it := range items {
			packed = AppendItem(packed, base, it)
		}
		again, err := Items(partition, base, n, packed)
		if err != nil {
			t.Fatalf("% x packed as % x: %v", b, packed, err)
		}
		if diff := cmp.Diff(items, again); diff != "" {
			t.Errorf("% x: first - again +\n%s", b, diff)
		}
	})
}

// FuzzEvents takes the fields of an entry as Strings packs them.
func FuzzEvents(f *testing.F) {
	f.Add(Strings("v", "1", "type", "t", "payload", "{}", "ref", "1", "attempt", "1", "headers", "1:a1:b", "opts", "r5", "due", "", "prev", ""))
	f.Add(Strings("v", "1", "kind", "outcome", "n", "1", "outcome", "succeeded", "prev", "5-6", "extra", "\x01\x00\x00\x04\xdc\v"))
	f.Add(Strings("v", "1", "kind", "reclaimed", "n", "2", "extra", "1-1/2 1-2/3"))
	f.Add(Strings("v", "1", "kind", "purged", "n", "1", "extra", "01HF7YAG7G003G0080000003X0"))
	f.Add(Strings("kind"))
	f.Fuzz(func(t *testing.T, packed string) {
		fields, size := unpackFields(packed)
		var es []task.Event
		// an event takes some 400 bytes, and five bytes of a pack are one
		bounded(t, size+24*len(fields), 128, func() { es = Events(partition, place, fields) })
		if len(es) == 0 || len(es) > MaxItems {
			t.Fatalf("got %d events, want 1 to %d", len(es), MaxItems)
		}
		for i, e := range es {
			if e.At != place || e.Partition != partition || e.Item != i || e.Kind != es[0].Kind {
				t.Errorf("event %d: got %s item %d at %s", i, e.Kind, e.Item, e.At)
			}
			if known := e.Kind != task.Unknown; known == (e.Raw != nil) {
				t.Errorf("event %d: %s with raw fields %q", i, e.Kind, e.Raw)
			}
		}
		if es[0].Kind == task.Unknown && len(es[0].Raw) != len(fields) {
			t.Errorf("got %d raw fields, want %d", len(es[0].Raw), len(fields))
		}
	})
}

func unpackFields(packed string) (f Fields, size int) {
	values, err := Split(packed)
	if err != nil {
		values = strings.Split(packed, "\n")
	}
	for _, v := range values {
		f, size = append(f, []byte(v)), size+len(v)
	}
	return f, size
}

// FuzzDelivery: what consumers run is what readers see.
func FuzzDelivery(f *testing.F) {
	f.Add(Strings("v", "1", "type", "t", "payload", "{}", "ref", "1", "attempt", "1", "headers", "1:a1:b", "opts", "r5", "due", "", "prev", ""))
	f.Add(Strings("v", "1", "type", "t", "payload", "", "ref", "01HF7YAG7G003G0080000003X0", "attempt", "2", "headers", "", "opts", "c1", "due", "7", "prev", "5-6"))
	f.Add(Strings("prev", "x", "ref", "65536", "type", "t"))
	f.Add("hello\nworld")
	f.Fuzz(func(t *testing.T, packed string) {
		fields, size := unpackFields(packed)
		var d task.Delivery
		var err error
		bounded(t, size, 64, func() {
			d, err = Delivery(partition, place, fields, func(b []byte) string { return string(b) })
		})
		if d.Entry != place || d.Count != 1 {
			t.Errorf("got entry %s, count %d, want %s, 1", d.Entry, d.Count, place)
		}
		if err != nil {
			return
		}
		if d.Type == "" || d.ID.IsZero() && len(fields.get(BirthFields, bRef)) != idLen {
			t.Errorf("got type %q, id %s and no error", d.Type, d.ID)
		}
		e := Events(partition, place, fields)[0]
		if e.Kind == task.Unknown || e.Kind > task.HandedBack {
			return // prev is no position, or it has a kind: no consumer looks
		}
		got := task.Delivery{ID: e.Task, Type: e.Type, Attempt: e.Attempt, Headers: e.Headers, Payload: e.Payload, Opts: e.Opts, DueMs: e.DueMs}
		d.Entry, d.Count, d.EnqueuedAt = got.Entry, got.Count, got.EnqueuedAt
		if diff := cmp.Diff(d, got); diff != "" {
			t.Errorf("delivery - event +\n%s", diff)
		}
	})
}

func FuzzSlot(f *testing.F) {
	f.Add("")
	f.Add("\x04\x00\x00\x00\x00\x00\x2a\x07")
	f.Add("\xff\xff\xff\xff\xff\xff\xff\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := ParseSlot(s)
		if got.LSN < 0 || got.LSN >= 1<<48 || got.Item < 0 || got.Item >= MaxItems || got.State > task.Lost {
			t.Errorf("%q: got %+v", s, got)
		}
		if got != (Slot{}) && slot(got) != s[:8] {
			t.Errorf("%q: got %+v, which is %q", s, got, slot(got))
		}
	})
}
