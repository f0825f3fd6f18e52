package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/tidemill/tidemill/internal/wire"
	"github.com/tidemill/tidemill/task"
)

// Proof shows to somebody who has the public key and nothing else that entries are
// in the log: a signed checkpoint, the envelopes, and the paths from one to the
// other (RFC 6962, section 2.1.1).
type Proof struct {
	Task       task.ID        `json:"task"`
	Partition  string         `json:"partition"`
	Number     task.Partition `json:"number"`
	Checkpoint string         `json:"checkpoint"`
	Entries    []ProofEntry   `json:"entries"`
}

// ProofEntry is one entry of a [Proof].
type ProofEntry struct {
	Index    int64            `json:"index"`
	Envelope []byte           `json:"envelope"`
	Path     tlog.RecordProof `json:"path"`
}

var errUnsigned = errors.New("no checkpoint covers it yet")

// Prove makes a proof of all entries that speak of a task.
func (a *Archive) Prove(ctx context.Context, id task.ID, key Key) (*Proof, error) {
	q, p, err := a.locate(id)
	if err != nil {
		return nil, err
	}
	c, err := lastCheckpoint(ctx, a.bucket, note.VerifierList(key))
	if err != nil {
		return nil, fmt.Errorf("prove %s: %w", id, err)
	}
	if c == nil {
		return nil, fmt.Errorf("prove %s: %w", id, errUnsigned)
	}
	body, err := a.bucket.Get(ctx, checkpointName(c.Number), 0, -1)
	if err != nil {
		return nil, err
	}
	number := 0
	for i, other := range a.parts[q] {
		if other == p {
			number = i
		}
	}
	proof := &Proof{Task: id, Partition: fmt.Sprintf("%s/%d", q, number), Number: id.Partition(), Checkpoint: string(body)}
	size := int64(0)
	for _, t := range c.Trees {
		if t.Partition == proof.Partition {
			size = t.Size
		}
	}
	if err := p.prove(ctx, proof, size); err != nil {
		return nil, fmt.Errorf("prove %s: %w", id, err)
	}
	return proof, nil
}

// prove adds the entries that a tree of this size holds.
func (p *partition) prove(ctx context.Context, proof *Proof, size int64) error {
	entries := map[task.Position]bool{}
	hashes := &hashReader{ctx: ctx, p: p, nodes: map[*Manifest][]byte{}}
	for e, err := range p.about(ctx, proof.Task, entries, false) {
		if err != nil {
			return err
		}
		mine := false
		for _, ev := range wire.Events(proof.Number, e.At, e.Fields) {
			mine = concerns(&ev, proof.Task, entries) || mine
		}
		m := p.holding(e.At.LSN)
		index := m.first() + e.At.LSN - m.From.LSN
		if !mine || index >= size {
			continue
		}
		_, envelope, err := hashes.leaf(index)
		if err != nil {
			return err
		}
		path, err := tlog.ProveRecord(size, index, hashes)
		if err != nil {
			return err
		}
		proof.Entries = append(proof.Entries, ProofEntry{Index: index, Envelope: envelope, Path: path})
	}
	if len(proof.Entries) == 0 {
		return errUnsigned
	}
	return nil
}

// Check verifies a proof, and returns what it proves: the checkpoint and the
// events, without payloads.
func Check(body []byte, key Key) (*Checkpoint, []task.Event, error) {
	var p Proof
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, nil, fmt.Errorf("proof: %w", err)
	}
	c, err := OpenCheckpoint([]byte(p.Checkpoint), key)
	if err != nil {
		return nil, nil, fmt.Errorf("proof of %s: checkpoint: %w", p.Task, err)
	}
	var all []task.Event
	for _, t := range c.Trees {
		if t.Partition != p.Partition {
			continue
		}
		for _, e := range p.Entries {
			if err := tlog.CheckRecord(e.Path, t.Size, t.Root, e.Index, tlog.RecordHash(e.Envelope)); err != nil {
				return nil, nil, fmt.Errorf("proof of %s: entry %d: %w", p.Task, e.Index, ErrTampered)
			}
			var o opener
			entry, err := o.open(e.Envelope)
			if err != nil {
				return nil, nil, fmt.Errorf("proof of %s: entry %d: %w", p.Task, e.Index, err)
			}
			if i := payloadOf(entry.Fields); i >= 0 {
				entry.Fields[i] = nil
			}
			for _, ev := range wire.Events(p.Number, entry.At, entry.Fields) {
				if ev.Task == p.Task || ev.Task.IsZero() {
					all = append(all, ev)
				}
			}
		}
	}
	if len(all) == 0 {
		return nil, nil, fmt.Errorf("proof of %s: it proves nothing", p.Task)
	}
	return c, all, nil
}
