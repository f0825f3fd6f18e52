package witness

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestForgot(t *testing.T) {
	t.Parallel()
	jump := epoch{place{'e', 2000, 1 << 28}, 40}
	anew := epoch{place{'e', 2000, 1}, 0} // created by one whom nobody had told of a log
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

func TestEpochOf(t *testing.T) {
	t.Parallel()
	fields := func(extra string) [][]byte {
		return [][]byte{[]byte("v"), []byte("1"), []byte("kind"), []byte("epoch"), []byte("extra"), []byte(extra)}
	}
	at := place{'e', 7, 8}
	if ep, ok := epochOf(at, fields("0:3:a.12:422:50")); !ok || ep != (epoch{at, 42}) {
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
