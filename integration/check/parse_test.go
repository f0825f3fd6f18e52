package check

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/integration/history"
)

func raw(stream, id string, words ...string) history.Entry {
	e := history.Entry{Stream: stream, ID: id}
	for _, w := range words {
		e.Fields = append(e.Fields, []byte(w))
	}
	return e
}

// TestPackedExample reads the example of docs/FORMAT.md.
func TestPackedExample(t *testing.T) {
	t.Parallel()
	extra := "\x02\x00\x00\x04\xdc\x0b" + "\x02\x02\x08\x0b\xb9\x60\xa6\x06\x2e\x01"
	events, err := parse(3, raw("e", "1795365844998-4266", "v", "1", "kind", "outcome", "outcome", "succeeded", "n", "2",
		"prev", "1795365844538-4242", "extra", extra))
	if err != nil {
		t.Fatal(err)
	}
	type item struct {
		ID, Prev string
		Attempt  int
	}
	var got []item
	for _, e := range events {
		got = append(got, item{e.id.String(), e.prev.String(), e.attempt})
	}
	want := []item{
		{"01M8229DHT001G00G00000044J", "1795365844538-4242", 1},
		{"01M8229DHV001G00G00000044P", "1795365844941-4265", 2},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if at := address(events[0].id); at != (pos{1795365844538, 4242}) || partitionOf(events[0].id) != 3 {
		t.Errorf("address %v, partition %d", at, partitionOf(events[0].id))
	}
}

// TestPackedResult reads the example of a result, beside an item without one.
func TestPackedResult(t *testing.T) {
	t.Parallel()
	const digest = "\xdf\x2f\xe9\xf9\x17\xab\xdb\x1c\x05\x15\xef\x22\xf0\x3c\x6f\x17"
	read := func(extra string) ([]event, error) {
		return parse(3, raw("e", "1795365844998-4266", "v", "1", "kind", "outcome", "outcome", "succeeded", "n", "2",
			"prev", "1795365844538-4242", "extra", extra))
	}
	const second = "\x02\x02\x08\x0b\xb9\x60\xa6\x06\x2e\x01"
	events, err := read("\x02\x00\x00" + "\x00" + digest + "\x04\xdc\x0b" + second)
	if err != nil || string(events[0].result) != digest || events[0].attempt != 1 || events[1].result != nil || events[1].attempt != 2 {
		t.Errorf("got %+v, %v", events, err)
	}
	if got := digestOf("sent"); string(got) != digest {
		t.Errorf("digest of the example: got %x, want %x", got, digest)
	}
	for _, bad := range []string{second + "\x02\x00\x00\x00" + digest, second + "\x02\x00\x00\x00" + digest + "\x00" + digest + "\x04\x00", second + "\x02\x00\x00\x00\x04\x00"} {
		if events, err := read(bad); err == nil {
			t.Errorf("%x: got %+v", bad, events)
		}
	}
}

func TestOpts(t *testing.T) {
	t.Parallel()
	if got := parseOpts("r5,t60000,u86400000,korder+7%2C,z9"); got != (opts{key: "order 7,", ttlMs: 86400000}) {
		t.Errorf("got %+v", got)
	}
}

// FuzzParse: whatever stands in a stream, reading it ends, and an item more or
// less than n says is noticed.
func FuzzParse(f *testing.F) {
	f.Add("1-1", "outcome", "succeeded", "2", "1795365844538-4242", []byte("\x02\x00\x00\x04\xdc\x0b\x02\x02\x08\x0b\xb9\x60\xa6\x06\x2e\x01"))
	f.Add("1-1", "outcome", "succeeded", "1", "1795365844538-4242", []byte("\x02\x00\x00\x000123456789abcdef\x04\xdc\x0b"))
	f.Add("1-2", "purged", "", "1", "", []byte("01M8229DHT001G00G00000044J"))
	f.Add("1-3", "epoch", "", "0", "", []byte("0:3:abc1:01:0"))
	f.Add("1-4", "reclaimed", "", "1", "", []byte("1-2/2 1-3/2"))
	f.Fuzz(func(t *testing.T, id, kind, outcome, n, prev string, extra []byte) {
		e := raw("e", id, "v", "1", "kind", kind, "outcome", outcome, "n", n, "prev", prev)
		e.Fields = append(e.Fields, []byte("extra"), extra)
		events, err := parse(3, e)
		if err == nil && (outcome == "succeeded" && kind == "outcome" || kind == "purged") {
			for i, one := range events {
				if one.item != i || one.n != len(events) {
					t.Errorf("item %d of %d: %+v", i, len(events), one)
				}
			}
		}
		b := raw("t", id, "v", "1", "type", "a", "payload", string(extra), "ref", kind, "due", n, "prev", prev, "opts", outcome)
		if _, err := parse(3, b); err != nil {
			_ = err.Error()
		}
		_, _ = netstrings(extra)
		Check(&Input{Parts: []Partition{{Log: []history.Entry{e, b}, Orphans: []history.Entry{e}}}})
	})
}
