package cli

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLastBytes(t *testing.T) {
	t.Parallel()
	var l lastBytes
	if l.String() != "" {
		t.Errorf("nothing written: got %q", &l)
	}
	for _, s := range []string{"\n", " warn: é\n"} {
		if n, err := l.Write([]byte(s)); n != len(s) || err != nil {
			t.Fatalf("got %d, %v", n, err)
		}
	}
	if got, want := l.String(), "warn: é"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLastBytesKeepsTheEnd(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789é", 20_000) + "the end"
	for _, chunk := range []int{1, 7, 4096, maxTail - 1, maxTail, maxTail + 1, len(text)} {
		var l lastBytes
		for rest := text; rest != ""; {
			n := min(chunk, len(rest))
			l.Write([]byte(rest[:n]))
			rest = rest[n:]
			if len(l.buf) > 2*maxTail {
				t.Fatalf("chunks of %d: holds %d bytes", chunk, len(l.buf))
			}
		}
		got := l.String()
		if !strings.HasSuffix(text, got) || len(got) < maxTail-utf8.UTFMax || len(got) > maxTail {
			t.Errorf("chunks of %d: got %d bytes ending in %q", chunk, len(got), got[len(got)-10:])
		}
	}
}
