package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestRequest(t *testing.T) {
	t.Parallel()
	const one, two = "*2\r\n$3\r\nget\r\n$3\r\na\r\n\r\n", "*1\r\n$0\r\n\r\n"
	r := bufio.NewReader(iotest.OneByteReader(strings.NewReader(one + two)))
	var q request
	for _, want := range []struct {
		raw   string
		words string
	}{{one, `["get" "a\r\n"]`}, {two, `[""]`}} {
		if err := q.read(r); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%q", q.words); string(q.raw) != want.raw || got != want.words {
			t.Errorf("got %q %s, want %q %s", q.raw, got, want.raw, want.words)
		}
	}
	if err := q.read(r); !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("at the end: got %v, want %v", err, io.EOF)
	}
}

func TestReply(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"+\r\n", "-ERR x\r\n", ":-1\r\n", "$-1\r\n", "*-1\r\n", "*0\r\n", "$0\r\n\r\n", "$2\r\n\r\n\r\n",
		"*2\r\n*1\r\n$1\r\na\r\n*2\r\n:1\r\n*0\r\n", "_\r\n", "#t\r\n", ",1.5\r\n", "(99\r\n", "%1\r\n+a\r\n~1\r\n:1\r\n",
		"=5\r\ntxt:a\r\n", "!3\r\nERR\r\n", ">1\r\n+x\r\n", strings.Repeat("*1\r\n", 10_000) + ":1\r\n",
	} {
		var got bytes.Buffer
		r := bufio.NewReader(iotest.OneByteReader(strings.NewReader(in + "rest")))
		err := copyReply(&got, r)
		rest, _ := io.ReadAll(r)
		if err != nil || got.String() != in || string(rest) != "rest" {
			t.Errorf("%.30q: got %.30q, %v and then %q", in, got.String(), err, rest)
		}
	}
	for _, in := range []string{"\r\n", "x\r\n", "$-2\r\n", "*\r\n", "$1\r\nab\r\n", "+a\n", "*1x\r\n", strings.Repeat("*2147483647\r\n", 1000)} {
		if err := copyReply(io.Discard, bufio.NewReader(strings.NewReader(in))); !errors.Is(err, errFrame) {
			t.Errorf("%.30q: got %v, want %v", in, err, errFrame)
		}
	}
	for _, in := range []string{"+", "*1\r\n", "$3\r\nab", "$3\r\nabc\r", "*2\r\n:1\r\n"} {
		if err := copyReply(io.Discard, bufio.NewReader(strings.NewReader(in))); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: got %v, want an end", in, err)
		}
	}
}

// FuzzRequest: what is read is what came, and says the same when written again.
func FuzzRequest(f *testing.F) {
	for _, in := range []string{"*1\r\n$4\r\nPING\r\n", "*2\r\n$1\r\na\r\n$2\r\n\r\n\r\n", "*1\r\n$99999\r\n", "PING\r\n", "*-1\r\n"} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		src := bytes.NewReader(in)
		r := bufio.NewReaderSize(src, bufSize)
		var q, again request
		for at := 0; q.read(r) == nil; {
			if !bytes.HasPrefix(in[at:], q.raw) {
				t.Fatalf("raw %q is not what came: %q", q.raw, in[at:])
			}
			at += len(q.raw)
			if at != len(in)-src.Len()-r.Buffered() {
				t.Fatalf("%d bytes in commands, %d bytes read", at, len(in)-src.Len()-r.Buffered())
			}
			var b bytes.Buffer
			fmt.Fprintf(&b, "*%d\r\n", len(q.words))
			for _, word := range q.words {
				fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(word), word)
			}
			if err := again.read(bufio.NewReader(&b)); err != nil || fmt.Sprintf("%q", again.words) != fmt.Sprintf("%q", q.words) {
				t.Fatalf("got %q, %v, want %q", again.words, err, q.words)
			}
		}
	})
}

// FuzzReply: what is copied is what came, byte for byte.
func FuzzReply(f *testing.F) {
	for _, in := range []string{"+OK\r\n", "*2\r\n$1\r\na\r\n*-1\r\n", "$3\r\na", "%1\r\n:1\r\n_\r\n", "*2147483647\r\n"} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		src := bytes.NewReader(in)
		r := bufio.NewReaderSize(src, bufSize)
		for at := 0; ; {
			var got bytes.Buffer
			if copyReply(&got, r) != nil {
				return
			}
			if got.Len() == 0 || !bytes.HasPrefix(in[at:], got.Bytes()) {
				t.Fatalf("got %q of %q", got.Bytes(), in[at:])
			}
			at += got.Len()
			if at != len(in)-src.Len()-r.Buffered() {
				t.Fatalf("%d bytes copied, %d bytes read", at, len(in)-src.Len()-r.Buffered())
			}
		}
	})
}

func TestWindow(t *testing.T) {
	t.Parallel()
	var w window
	start := time.Now()
	for i, tt := range []struct{ at, want int }{{0, 1}, {0, 2}, {99, 3}, {100, 2}, {198, 3}, {199, 3}, {500, 1}} {
		if got := w.add(start.Add(time.Duration(tt.at) * time.Millisecond)); got != tt.want {
			t.Errorf("%d, at %d ms: got %d, want %d", i, tt.at, got, tt.want)
		}
	}
}
