package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
)

// What is beyond these limits is no Redis protocol.
const (
	bufSize    = 64 << 10  // also the longest line
	maxWords   = 1 << 20   // of a command
	maxBulk    = 512 << 20 // as Redis has it
	maxCommand = 1 << 30
	maxOpen    = 1 << 40 // values of one reply
)

var errFrame = errors.New("not the Redis protocol")

// eager is a reader that flushes before it waits, so that nothing is held back
// while there is nothing else to do.
type eager struct {
	r     io.Reader
	flush func() error
}

func (e eager) Read(b []byte) (int, error) {
	if err := e.flush(); err != nil {
		return 0, err
	}
	return e.r.Read(b)
}

// A request is one command as it came. It is used again for the next.
type request struct {
	raw   []byte
	spans [][2]int // of the words in raw
	words [][]byte
}

// read replaces the request by the next one of r.
func (q *request) read(r *bufio.Reader) error {
	if cap(q.raw) > 4*bufSize {
		q.raw = nil // one large command is no reason to keep the memory
	}
	q.raw, q.spans, q.words = q.raw[:0], q.spans[:0], q.words[:0]
	words, err := q.header(r, '*')
	if err != nil {
		return err
	}
	if words < 1 || words > maxWords {
		return errFrame
	}
	for range words {
		if err := q.word(r); err != nil {
			return noEOF(err) // a command that is cut off
		}
	}
	for _, s := range q.spans { // raw does not move any more
		q.words = append(q.words, q.raw[s[0]:s[1]])
	}
	return nil
}

// word reads one bulk string.
func (q *request) word(r *bufio.Reader) error {
	n, err := q.header(r, '$')
	if err != nil {
		return err
	}
	if n < 0 || n > maxBulk || len(q.raw)+int(n) > maxCommand {
		return errFrame
	}
	start := len(q.raw)
	for left := int(n) + 2; left > 0; { // grow with what arrives, not with what is announced
		k, at := min(left, bufSize), len(q.raw)
		q.raw = append(q.raw, make([]byte, k)...)
		if _, err := io.ReadFull(r, q.raw[at:]); err != nil {
			return err
		}
		left -= k
	}
	if !bytes.HasSuffix(q.raw, []byte("\r\n")) {
		return errFrame
	}
	q.spans = append(q.spans, [2]int{start, start + int(n)})
	return nil
}

// header reads a line of a type and a number.
func (q *request) header(r *bufio.Reader, kind byte) (int64, error) {
	first, err := r.Peek(1)
	if err != nil {
		return 0, err
	}
	if first[0] != kind {
		return 0, errFrame // now, for its line may never end
	}
	line, err := readLine(r)
	if err != nil {
		return 0, err
	}
	q.raw = append(q.raw, line...)
	return number(line)
}

// copyReply copies one reply, however deep it is nested.
func copyReply(w io.Writer, r *bufio.Reader) error {
	for open := int64(1); open > 0; {
		line, err := readLine(r)
		if err != nil {
			return err
		}
		if _, err := w.Write(line); err != nil {
			return err
		}
		more, bulk, err := announced(line)
		if err != nil {
			return err
		}
		if open += more - 1; open > maxOpen {
			return errFrame
		}
		if bulk < 0 {
			continue
		}
		if err := copyBulk(w, r, bulk); err != nil {
			return noEOF(err)
		}
	}
	return nil
}

// announced answers how many values and how long a string follow a line, -1 if
// none. The types of RESP3 are known for the sake of clients that insist on it.
func announced(line []byte) (values, bulk int64, err error) {
	switch line[0] {
	case '+', '-', ':', '_', '#', ',', '(':
		return 0, -1, nil
	}
	n, err := number(line)
	if err != nil {
		return 0, 0, err
	}
	switch line[0] {
	case '$', '=', '!':
		if n > maxBulk {
			return 0, 0, errFrame
		}
		return 0, n, nil
	case '*', '~', '>':
		return max(n, 0), -1, nil
	case '%':
		return 2 * max(n, 0), -1, nil
	default:
		return 0, 0, errFrame
	}
}

// copyBulk copies n bytes and the line end after them. Not by io.Copy: that would
// have w read from r, which flushes w.
func copyBulk(w io.Writer, r *bufio.Reader, n int64) error {
	for n > 0 {
		b, err := r.Peek(int(min(n, max(int64(r.Buffered()), 1))))
		if err != nil {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		n -= int64(len(b))
		if _, err := r.Discard(len(b)); err != nil {
			return err
		}
	}
	var end [2]byte
	if _, err := io.ReadFull(r, end[:]); err != nil {
		return err
	}
	if string(end[:]) != "\r\n" {
		return errFrame
	}
	_, err := w.Write(end[:])
	return err
}

// readLine reads up to and with the line end. The line is valid until the next read.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, errFrame
	case errors.Is(err, io.EOF) && len(line) > 0:
		return nil, io.ErrUnexpectedEOF
	case err != nil:
		return nil, err
	case len(line) < 3 || line[len(line)-2] != '\r':
		return nil, errFrame
	}
	return line, nil
}

// number of a header line; -1 is nil, what is below is nothing.
func number(line []byte) (int64, error) {
	n, err := strconv.ParseInt(string(line[1:len(line)-2]), 10, 32)
	if err != nil || n < -1 {
		return 0, errFrame
	}
	return n, nil
}

// noEOF is for ends inside a frame.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
