package archive

import (
	"fmt"
	"slices"
)

// Report is what Verify found.
type Report struct {
	Namespace   string    `json:"namespace"`
	Partitions  int       `json:"partitions"`
	Segments    int       `json:"segments"`
	Entries     int64     `json:"entries"`
	Events      int64     `json:"events"`
	Payloads    int64     `json:"payloads"`
	Erased      int64     `json:"erased"` // payloads, each with a redacted event
	Checkpoints int64     `json:"checkpoints"`
	Signed      int64     `json:"signed"`   // entries that the last checkpoint covers
	Unsigned    bool      `json:"unsigned"` // there was a key to go by, and no checkpoint of it
	Findings    []Finding `json:"findings"`
}

// Finding is a gap that an event explains, or something that nothing does.
type Finding struct {
	Tampered  bool   `json:"tampered"`
	Partition string `json:"partition,omitempty"`
	Segment   string `json:"segment,omitempty"`
	From      int64  `json:"from,omitempty"` // lsn
	To        int64  `json:"to,omitempty"`
	What      string `json:"what"`
}

func (f Finding) String() string {
	s := "gap"
	if f.Tampered {
		s = "TAMPERED"
	}
	if f.Partition != "" {
		s += " " + f.Partition
	}
	switch {
	case f.From > 0 && f.From == f.To:
		s += fmt.Sprintf(" lsn %d", f.From)
	case f.From > 0:
		s += fmt.Sprintf(" lsn %d to %d", f.From, f.To)
	}
	if f.Segment != "" {
		s += " in " + f.Segment
	}
	return s + ": " + f.What
}

// OK reports whether nothing was tampered with, as far as can be told without a key,
// and with one, whether it has signed anything: whoever removes the end of an archive
// and all of its checkpoints leaves what looks like a young one.
func (r *Report) OK() bool { return !r.Tampered() && !r.Unsigned }

// Tampered reports whether there is a finding that nothing explains.
func (r *Report) Tampered() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Tampered })
}

// Signatures says what checkpoints cover, as in "1 checkpoint, all signed".
func (r *Report) Signatures() string {
	s := "1 checkpoint"
	if r.Checkpoints != 1 {
		s = fmt.Sprintf("%d checkpoints", r.Checkpoints)
	}
	switch left := r.Entries - r.Signed; {
	case left == 1:
		s += ", 1 entry not signed yet"
	case left > 0:
		s += fmt.Sprintf(", %d entries not signed yet", left)
	case r.OK():
		s += ", all signed"
	}
	return s
}

// Verdict is the report in a word: OK, UNSIGNED or TAMPERED.
func (r *Report) Verdict() string {
	switch {
	case r.Tampered():
		return "TAMPERED"
	case r.Unsigned:
		return "UNSIGNED"
	}
	return "OK"
}
