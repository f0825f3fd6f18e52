package rerun

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/tidemill/tidemill/task"
)

// Digests are the digests of a shadow run's results, by attempt.
type Digests map[string]task.Digest

// digestLine is one of them as it is saved.
type digestLine struct {
	ID     task.ID       `json:"id"`
	At     task.Position `json:"at"` // of the recorded outcome
	Digest task.Digest   `json:"digest"`
}

func digestKey(id task.ID, at task.Position) string { return id.String() + "@" + at.String() }

// ReadDigests reads what a shadow run saved.
func ReadDigests(r io.Reader) (Digests, error) {
	all := Digests{}
	in := json.NewDecoder(bufio.NewReader(r))
	for {
		var line digestLine
		err := in.Decode(&line)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil || line.Digest.IsZero() {
			return nil, fmt.Errorf("%w: digests: line %d is none", task.ErrInvalidOption, len(all)+1)
		}
		all[digestKey(line.ID, line.At)] = line.Digest
	}
}

func writeDigest(w io.Writer, r *Recorded, digest task.Digest) error {
	if err := json.NewEncoder(w).Encode(digestLine{ID: r.ID, At: r.At, Digest: digest}); err != nil {
		return fmt.Errorf("save digest of %s: %w", r.ID, err)
	}
	return nil
}
