package witness

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/tidemill/tidemill/integration/history"
)

// flush appends what is new to the log file, in the order of reading, so that a
// harness that dies leaves something. Finish writes the file anew.
func (p *partition) flush() error {
	if len(p.fresh) == 0 {
		return nil
	}
	if p.log == nil {
		log, err := history.Append(p.path("log", "jsonl"))
		if err != nil {
			return fmt.Errorf("witness: %w", err)
		}
		p.log = log
	}
	for _, e := range p.fresh {
		if err := p.log.Write(e); err != nil {
			return fmt.Errorf("witness: %w", err)
		}
	}
	p.fresh = nil
	return nil
}

func (p *partition) close() error {
	if p.log == nil {
		return nil
	}
	err := p.log.Close()
	p.log = nil
	return err
}

// write makes the final files: entries oldest first, those that Redis forgot
// apart, and the live keys. A partition that nobody used leaves none.
func (p *partition) write(live *history.Live) error {
	if len(p.entries)+len(p.orphans)+len(live.Meta) == 0 {
		return nil
	}
	if err := p.close(); err != nil {
		return err
	}
	if err := p.lines("orphans", p.orphans); err != nil {
		return err
	}
	if err := p.lines("log", p.entries); err != nil {
		return err
	}
	b, err := json.MarshalIndent(live, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(p.path("live", "json"), b, 0o600)
}

func (p *partition) lines(kind string, entries map[place]*seen) (err error) {
	f, err := os.CreateTemp(p.dir, kind+".*.tmp")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b := bufio.NewWriterSize(f, 1<<20)
	enc := json.NewEncoder(b)
	for _, at := range slices.SortedFunc(maps.Keys(entries), compareLSN) {
		s := entries[at]
		e := history.Entry{Stream: string(at.stream), ID: at.id(), Fields: unpack(s.packed), T: s.at, Gone: s.round != p.rounds}
		if err := enc.Encode(e); err != nil {
			return err
		}
	}
	if err := b.Flush(); err != nil {
		return err
	}
	return os.Rename(f.Name(), p.path(kind, "jsonl"))
}

// pack keeps fields in one piece: a run has many entries, each of many small
// fields.
func pack(fields [][]byte) (b []byte) {
	for _, f := range fields {
		b = append(binary.AppendUvarint(b, uint64(len(f))), f...)
	}
	return slices.Clip(b)
}

func unpack(b []byte) (fields [][]byte) {
	for len(b) > 0 {
		n, size := binary.Uvarint(b)
		end := size + int(n)
		fields = append(fields, b[size:end])
		b = b[end:]
	}
	return fields
}
