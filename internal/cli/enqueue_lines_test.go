package cli

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/engine"
)

// numbered is a line with its number.
type numbered struct {
	N    int
	Line string
}

func readLines(l *lineReader) (lines []numbered, err error) {
	for {
		line, err := l.next()
		if err != nil {
			return lines, err
		}
		lines = append(lines, numbered{l.n, string(line)})
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 300<<10) // longer than the buffer
	for in, want := range map[string][]numbered{
		"":                  nil,
		"\n\r\n \n":         nil,
		"a":                 {{1, "a"}},
		"a\n":               {{1, "a"}},
		"a\r\n\n  b \n\nc":  {{1, "a"}, {3, "  b "}, {5, "c"}},
		long + "\n" + long:  {{1, long}, {2, long}},
		"a\n" + long + "\n": {{1, "a"}, {2, long}},
	} {
		for _, r := range []io.Reader{strings.NewReader(in), iotest.HalfReader(strings.NewReader(in)), iotest.DataErrReader(strings.NewReader(in))} {
			l := newLineReader(r, 1<<20)
			got, err := readLines(l)
			if diff := cmp.Diff(want, got); diff != "" || !errors.Is(err, io.EOF) {
				t.Errorf("%.20q: %v %s", in, err, diff)
			}
			if l.read != int64(len(in)) {
				t.Errorf("%.20q: read %d of %d", in, l.read, len(in))
			}
		}
	}
}

func TestLinesLimit(t *testing.T) {
	t.Parallel()
	const limit = 300 << 10
	fits := strings.Repeat("x", limit)
	got, err := readLines(newLineReader(strings.NewReader(fits+"\r\n"+fits), limit))
	if len(got) != 2 || !errors.Is(err, io.EOF) {
		t.Errorf("at the limit: got %d lines, %v", len(got), err)
	}
	endless := io.MultiReader(strings.NewReader("a\n\n"), endlessly('x'))
	l := newLineReader(endless, limit)
	got, err = readLines(l)
	if len(got) != 1 || l.n != 3 || !errors.Is(err, engine.ErrPayloadTooLarge) {
		t.Errorf("no line end: got %v, line %d, %v", got, l.n, err)
	}
	if l.read > 2*limit {
		t.Errorf("no line end: read %d bytes", l.read)
	}
}

// endlessly is a Reader of one byte.
type endlessly byte

func (e endlessly) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

func TestLinesFail(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	l := newLineReader(io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken)), 100)
	got, err := readLines(l)
	if len(got) != 1 || l.n != 2 || !errors.Is(err, broken) {
		t.Errorf("got %v, line %d, %v", got, l.n, err)
	}
}

func TestWaitingLine(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	go io.WriteString(w, "a\nb\nc") // as one read
	l := newLineReader(r, 100)
	for i, want := range []bool{true, false} {
		if _, err := l.next(); err != nil || l.waiting() != want {
			t.Errorf("after line %d: got %v, %v, want %v", i+1, l.waiting(), err, want)
		}
	}
}

func TestInterruptible(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	r, w := io.Pipe()
	go io.WriteString(w, "abc")
	in := interruptible(ctx, r)
	b := make([]byte, 2)
	for _, want := range []string{"ab", "c"} {
		if n, err := in.Read(b); err != nil || string(b[:n]) != want {
			t.Errorf("got %q, %v, want %s", b[:n], err, want)
		}
	}
	cause := errors.New("enough")
	cancel(cause)
	if n, err := in.Read(b); n != 0 || !errors.Is(err, cause) {
		t.Errorf("got %d, %v, want %v", n, err, cause)
	}
}
