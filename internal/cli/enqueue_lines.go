package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tidemill/tidemill/engine"
)

// lineReader reads lines and counts them.
type lineReader struct {
	r     *bufio.Reader
	limit int   // bytes of a line without its end
	n     int   // the number of the last line
	read  int64 // bytes so far
	ended error // io.EOF or what reading failed with
}

func newLineReader(r io.Reader, limit int) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 256<<10), limit: limit}
}

// next returns the next line that is not blank, without its end, for the caller
// to keep; io.EOF after the last one. On another error n is the line it is about.
func (l *lineReader) next() ([]byte, error) {
	for {
		line, err := l.line()
		if err != nil || len(bytes.TrimSpace(line)) > 0 {
			return line, err
		}
	}
}

func (l *lineReader) line() ([]byte, error) {
	line := l.raw()
	if len(line) == 0 && errors.Is(l.ended, io.EOF) {
		return nil, io.EOF
	}
	l.n++
	if l.ended != nil && !errors.Is(l.ended, io.EOF) {
		return nil, l.ended
	}
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	if len(line) > l.limit {
		return nil, fmt.Errorf("%w: more than %d bytes", engine.ErrPayloadTooLarge, l.limit)
	}
	return line, nil
}

// raw reads to the end of a line, or a little beyond the limit: a file without
// line ends does not fill the memory.
func (l *lineReader) raw() (line []byte) {
	for l.ended == nil {
		part, err := l.r.ReadSlice('\n')
		l.read += int64(len(part))
		line = append(line, part...)
		switch {
		case err == nil:
			return line
		case !errors.Is(err, bufio.ErrBufferFull):
			l.ended = err
		case len(line) > l.limit+len("\r\n"):
			return line
		}
	}
	return line
}

// waiting reports whether the next line is already here. Where it is not, a pipe
// may be silent for long, and what was gathered should not wait for it.
func (l *lineReader) waiting() bool {
	here, _ := l.r.Peek(l.r.Buffered())
	return bytes.IndexByte(here, '\n') >= 0
}

// interruptible reads from r until ctx ends. A read of a pipe or terminal cannot
// be called off: it is left behind with its buffer, and ends with the process.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		type result struct {
			b   []byte
			err error
		}
		done := make(chan result, 1)
		go func() {
			b := make([]byte, len(p))
			n, err := r.Read(b)
			done <- result{b[:n], err}
		}()
		select {
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case got := <-done:
			return copy(p, got.b), got.err
		}
	})
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
