package keys_test

import (
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/task"
)

// all names every key of a partition: the fields and one of each family.
func all(p *keys.Partition) map[string]string {
	names := map[string]string{
		"Producer": p.Producer("a"), "Chunk": p.Chunk(1), "Unique": p.Unique("t", "k"), "Role": p.Role("trimmer"),
	}
	v := reflect.ValueOf(*p)
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.IsExported() && f.Name != "Queue" && f.Type.Kind() == reflect.String {
			names[f.Name] = v.Field(i).String()
		}
	}
	return names
}

// tag returns what Redis Cluster hashes of a key.
func tag(key string) string {
	_, rest, _ := strings.Cut(key, "{")
	inside, _, ok := strings.Cut(rest, "}")
	if !ok || inside == "" {
		return key
	}
	return inside
}

func TestPartition(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"Tasks": "t", "Events": "e", "Waiting": "z", "Copies": "d", "Meta": "m", "Members": "f", "Cancels": "c",
		"Dead": "x", "Graves": "y", "Cursors": "k", "Wake": "w", "Redacted": "r", "Producer": "p:a", "Chunk": "o:0", "Role": "l:trimmer",
		"Unique": "u:c5e4e62049a78f70c589e4aa5f31d0cc9a1c2483",
	}
	got := all(keys.New("ns", "mail", 7))
	for name, key := range got {
		if key != "tm:{ns/mail/7}:"+want[name] {
			t.Errorf("%s: got %q, want tm:{ns/mail/7}:%s", name, key, want[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %d keys, want %d", len(got), len(want))
	}
}

// name draws what task.ValidName allows, short and of few letters so that names
// meet.
var name = rapid.StringMatching(`[a0][a0_.:-]{0,3}`)

type place struct {
	ns string
	q  task.Queue
	n  task.Partition
}

func drawPlace(t *rapid.T) place {
	return place{
		ns: name.Draw(t, "ns"), q: task.Queue(name.Draw(t, "queue")),
		n: rapid.SampledFrom([]task.Partition{0, 1, 10, 65535}).Draw(t, "n"),
	}
}

func TestOneHashTag(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := drawPlace(t)
		p := keys.New(at.ns, at.q, at.n)
		for what, key := range all(p) {
			if got, want := tag(key), tag(p.Meta); got != want {
				t.Fatalf("%s: got tag %q, want %q", what, got, want)
			}
		}
	})
}

// TestDistinct: two partitions share no key and no tag, no key of a partition
// has two uses, and none is a key of the namespace.
func TestDistinct(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at, other := drawPlace(t), drawPlace(t)
		owner := map[string]string{
			keys.Registry(at.ns): "registry", keys.Nodes(at.ns): "nodes", keys.Node(at.ns, name.Draw(t, "node")): "node",
		}
		places := []place{at}
		if other != at {
			places = append(places, other)
		}
		for _, at := range places {
			for what, key := range all(keys.New(at.ns, at.q, at.n)) {
				if had, ok := owner[key]; ok {
					t.Fatalf("%q is %s and %s of %v", key, had, what, at)
				}
				owner[key] = what
			}
		}
		a, b := keys.New(at.ns, at.q, at.n), keys.New(other.ns, other.q, other.n)
		if same := tag(a.Meta) == tag(b.Meta); same != (at == other) {
			t.Fatalf("%v and %v: one tag is %t", at, other, same)
		}
	})
}

func TestChunk(t *testing.T) {
	t.Parallel()
	p := keys.New("ns", "q", 1)
	rapid.Check(t, func(t *rapid.T) {
		lsn := rapid.Int64Range(0, 1<<48-1).Draw(t, "lsn")
		first := lsn - lsn%keys.ChunkSlots
		if got, want := p.Chunk(lsn), p.Chunk(first); got != want {
			t.Fatalf("lsn %d: got %q, want %q as of lsn %d", lsn, got, want, first)
		}
		if got := p.Chunk(first + keys.ChunkSlots); got == p.Chunk(lsn) {
			t.Fatalf("lsn %d and %d share %q", lsn, first+keys.ChunkSlots, got)
		}
	})
}

func TestUnique(t *testing.T) {
	t.Parallel()
	p := keys.New("ns", "q", 1)
	pairs := []struct {
		typ task.Type
		key string
	}{
		{"a", "b\x00c"},
		{"a", "b"},
		{"a", "c"},
		{"a", ""},
		{"ab", "c"},
		{"a", "bc"},
		{"abc", ""},
		{"a:b", "c"},
		{"a", "b:c"},
		{"a", "\x00"},
		{"a", "\x00b\x00c"},
		{"a", "}:u:"},
	}
	seen := map[string]int{}
	for i, pair := range pairs {
		key := p.Unique(pair.typ, pair.key)
		if j, ok := seen[key]; ok {
			t.Errorf("%q and %q share %q", pairs[j], pair, key)
		}
		seen[key] = i
		if got := p.Unique(pair.typ, pair.key); got != key {
			t.Errorf("%q: got %q, then %q", pair, key, got)
		}
	}
}

// TestUniqueInjective: names hold no NUL, so no two pairs are hashed alike.
func TestUniqueInjective(t *testing.T) {
	t.Parallel()
	p := keys.New("ns", "q", 1)
	key := rapid.StringOfN(rapid.SampledFrom([]rune("ab:\x00")), 0, 4, -1)
	rapid.Check(t, func(t *rapid.T) {
		t1, k1 := name.Draw(t, "type"), key.Draw(t, "key")
		t2, k2 := name.Draw(t, "type"), key.Draw(t, "key")
		same := p.Unique(task.Type(t1), k1) == p.Unique(task.Type(t2), k2)
		if want := t1 == t2 && k1 == k2; same != want {
			t.Fatalf("(%q,%q) and (%q,%q): one key is %t, want %t", t1, k1, t2, k2, same, want)
		}
	})
}
