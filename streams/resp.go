package streams

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/task"
)

// resp reads a raw RESP2 reply in place: no map, no string per field. After the
// first thing it does not expect it returns zero values and sets bad.
type resp struct {
	b   []byte
	bad bool
}

var errProtocol = errors.New("unexpected reply")

// header reads a line such as *3 or $12 and returns its number; -1 is nil.
func (r *resp) header(kind byte) int {
	end := bytes.IndexByte(r.b, '\n')
	if end < 3 || r.b[0] != kind {
		r.b, r.bad = nil, true
		return 0
	}
	n, negative := 0, false
	for _, c := range r.b[1 : end-1] {
		switch {
		case c == '-':
			negative = true
		case c < '0' || c > '9' || n > 1<<30:
			r.b, r.bad = nil, true
			return 0
		default:
			n = n*10 + int(c-'0')
		}
	}
	r.b = r.b[end+1:]
	if negative {
		return -1
	}
	return n
}

func (r *resp) array() int { return r.header('*') }

// bulk returns the bytes of one string; they belong to the reply.
func (r *resp) bulk() []byte {
	n := r.header('$')
	if n < 0 || r.bad {
		return nil
	}
	if len(r.b) < n+2 {
		r.b, r.bad = nil, true
		return nil
	}
	v := r.b[:n]
	r.b = r.b[n+2:]
	return v
}

// fail is the error reply, if this is one.
func (r *resp) fail() error {
	if len(r.b) > 0 && r.b[0] == '-' {
		return mapError(errors.New(string(bytes.TrimRight(r.b[1:], "\r\n"))))
	}
	return nil
}

// entries calls fn for each entry of an XRANGE reply. The fields are reused.
func (r *resp) entries(fields wire.Fields, fn func(at task.Position, f wire.Fields)) error {
	n := r.array()
	for range n {
		if r.array() != 2 {
			r.bad = true
			break
		}
		id := r.bulk()
		fields = fields[:0]
		for range r.array() {
			fields = append(fields, r.bulk())
		}
		if r.bad {
			break
		}
		at, err := position(id)
		if err != nil {
			return err
		}
		fn(at, fields)
	}
	if r.bad {
		return fmt.Errorf("read entries: %w", errProtocol)
	}
	return nil
}

// position reads "ms-lsn" without making a string.
func position(b []byte) (task.Position, error) {
	dash := bytes.IndexByte(b, '-')
	if dash < 1 || dash == len(b)-1 || len(b) > 40 {
		return task.Position{}, errProtocol
	}
	p := task.Position{}
	for i, c := range b {
		switch {
		case i == dash:
		case c < '0' || c > '9':
			return task.Position{}, errProtocol
		case i < dash:
			p.Ms = p.Ms*10 + int64(c-'0')
		default:
			p.LSN = p.LSN*10 + int64(c-'0')
		}
	}
	return p, nil
}
