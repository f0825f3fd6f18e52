package witness

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestForgot(t *testing.T) {
	t.Parallel()
	jump := epoch{place: place{'e', 2000, 1 << 28}, survived: 40}
	anew := epoch{place: place{'e', 2000, 1}} // created by one whom nobody had told of a log
	for _, c := range []struct {
		name string
		ep   epoch
		at   place
		want bool
	}{
		{"what survived", jump, place{'t', 900, 40}, false},
		{"the tail", jump, place{'t', 950, 41}, true},
		{"the tail of a clock that was ahead", jump, place{'t', 3000, 41}, true},
		{"what came after", jump, place{'t', 2000, 1<<28 + 1}, false},
		{"the event itself", jump, jump.place, false},
		{"what was before a log that began anew", anew, place{'t', 1000, 7}, true},
		{"what came after it", anew, place{'t', 2001, 7}, false},
	} {
		if got := c.ep.forgot(c.at); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// TestLaterLifeBelow: after a flush a life began below the last one's lsns, and what
// a trim took of it is not what the last one lost.
func TestLaterLifeBelow(t *testing.T) {
	t.Parallel()
	p := newPartition("q", 0, "", "")
	add := func(at place, seenAt int64) {
		p.entries[at] = &seen{at: seenAt}
		if at.stream == 'e' {
			p.epochs = append(p.epochs, epoch{place: at, seen: seenAt})
		}
	}
	lost, flush, below := place{'t', 2100, 1<<28 + 40}, place{'e', 2000, 1<<28 + 30}, place{'e', 3000, 1<<28 + 10}
	add(flush, 10)
	add(lost, 20)
	add(below, 30)
	p.restart()
	p.orphan()
	if len(p.orphans) != 2 || p.orphans[lost] == nil || p.entries[below] == nil {
		t.Errorf("entries %v, orphans %v", p.entries, p.orphans)
	}
}

func TestEpochOf(t *testing.T) {
	t.Parallel()
	fields := func(extra string) [][]byte {
		return [][]byte{[]byte("v"), []byte("1"), []byte("kind"), []byte("epoch"), []byte("extra"), []byte(extra)}
	}
	at := place{'e', 7, 8}
	if ep, ok := epochOf(at, fields("0:3:a.12:422:50")); !ok || ep != (epoch{place: at, survived: 42}) {
		t.Errorf("got %v %v", ep, ok)
	}
	for _, extra := range []string{"", "0:", "9:abc", "0:1:a1:x1:5", "-1:a"} {
		if ep, ok := epochOf(at, fields(extra)); ok {
			t.Errorf("%q: got %v", extra, ep)
		}
	}
}

func TestPack(t *testing.T) {
	t.Parallel()
	want := [][]byte{[]byte("v"), {}, []byte("\x00\xff"), make([]byte, 300)}
	if diff := cmp.Diff(want, unpack(pack(want))); diff != "" {
		t.Error(diff)
	}
}
