package archive

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/tidemill/tidemill/replay"
)

// body is a payload with the salt of its commitment.
type body struct{ salt, payload []byte }

// payloadReader reads the payload file of one segment, a frame at a time.
type payloadReader struct {
	name       string
	generation int
	b          []byte
	at         []int64 // where the frames begin, and where the last ends
}

var errPayloads = fmt.Errorf("payload file is %w", ErrDamaged)

// payloadFile finds the newest generation of a segment's payload file.
func payloadFile(ctx context.Context, b replay.Bucket, m *Manifest) (name string, generation int, err error) {
	prefix, _, _ := strings.Cut(payloadName(m.Queue, m.Partition, m.Epoch, m.From.LSN, m.Token, 0), ".")
	prefix += "." + m.Token + "."
	for found, err := range b.List(ctx, prefix) {
		if err != nil {
			return "", 0, err
		}
		n := 0
		if _, err := fmt.Sscanf(found[len(prefix):], "%d.pay", &n); err != nil || payloadName(m.Queue, m.Partition, m.Epoch, m.From.LSN, m.Token, n) != found {
			continue // a stranger's
		}
		if name < found {
			name, generation = found, n
		}
	}
	if name == "" {
		return "", 0, fmt.Errorf("payloads of %s: %w", m.place(), replay.ErrAbsent)
	}
	return name, generation, nil
}

// newestPayloads reads it. Most are of generation 0, with none behind it, and need no
// list of names.
func newestPayloads(ctx context.Context, b replay.Bucket, m *Manifest) (name string, generation int, content []byte, err error) {
	name = payloadName(m.Queue, m.Partition, m.Epoch, m.From.LSN, m.Token, 0)
	content, err = b.Get(ctx, name, 0, -1)
	if err == nil {
		_, err = b.Get(ctx, payloadName(m.Queue, m.Partition, m.Epoch, m.From.LSN, m.Token, 1), 0, 1)
		if errors.Is(err, replay.ErrAbsent) {
			return name, 0, content, nil
		}
	}
	if err != nil && !errors.Is(err, replay.ErrAbsent) {
		return "", 0, nil, err
	}
	for range 3 { // what was listed may be erased meanwhile: then the next one is there
		if name, generation, err = payloadFile(ctx, b, m); err == nil {
			content, err = b.Get(ctx, name, 0, -1)
		}
		if !errors.Is(err, replay.ErrAbsent) {
			break
		}
	}
	return name, generation, content, err
}

func openPayloads(ctx context.Context, b replay.Bucket, m *Manifest) (*payloadReader, error) {
	name, generation, content, err := newestPayloads(ctx, b, m)
	if err != nil {
		return nil, err
	}
	r := &payloadReader{name: name, generation: generation}
	if len(content) < 8 {
		return nil, fmt.Errorf("%s: %w", name, errPayloads)
	}
	n := binary.LittleEndian.Uint64(content[len(content)-8:])
	if n > uint64(len(content)/8-1) || int(n) != len(m.Frames) {
		return nil, fmt.Errorf("%s: %w", name, errPayloads)
	}
	end := len(content) - 8 - 8*int(n)
	for i := range int(n) {
		r.at = append(r.at, int64(binary.LittleEndian.Uint64(content[end+8*i:])))
	}
	r.b, r.at = content[:end], append(r.at, int64(end))
	return r, nil
}

// frame returns the payloads of one frame by lsn. A nil reader has none.
func (r *payloadReader) frame(i int) (map[int64]body, error) {
	if r == nil {
		return nil, nil
	}
	from, to := r.at[i], r.at[i+1]
	if from < 0 || from > to || to > int64(len(r.b)) {
		return nil, fmt.Errorf("%s: %w", r.name, errPayloads)
	}
	records, _, err := openFrame(r.b[from:to], nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.name, err)
	}
	found := map[int64]body{}
	for len(records) > 0 {
		record, rest, ok := nextRecord(records)
		lsn, n := binary.Uvarint(record)
		if !ok || n <= 0 || len(record) < n+saltSize {
			return nil, fmt.Errorf("%s: %w", r.name, errPayloads)
		}
		found[int64(lsn)] = body{salt: record[n : n+saltSize], payload: record[n+saltSize:]}
		records = rest
	}
	return found, nil
}
