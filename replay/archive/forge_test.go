package archive_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/replay/archive"
)

// forgeries change records of a segment; at is the index of the first that differs.
var forgeries = map[string]struct {
	at     func(n int) int
	change func(rs []archive.Record) []archive.Record
}{
	"one is dropped": {middle, func(rs []archive.Record) []archive.Record { return slices.Delete(rs, len(rs)/2, len(rs)/2+1) }},
	"two neighbours are swapped": {middle, func(rs []archive.Record) []archive.Record {
		i := len(rs) / 2
		rs[i], rs[i+1] = rs[i+1], rs[i]
		return rs
	}},
	"one is replaced by another": {middle, func(rs []archive.Record) []archive.Record {
		rs[len(rs)/2] = rs[1]
		return rs
	}},
	"one is appended": {func(n int) int { return n }, func(rs []archive.Record) []archive.Record {
		last := rs[len(rs)-1]
		last.At = last.At.Next()
		return append(rs, last)
	}},
	"its last is dropped": {func(n int) int { return n - 1 }, func(rs []archive.Record) []archive.Record { return rs[:len(rs)-1] }},
}

func middle(n int) int { return n / 2 }

// Records are changed by somebody who writes everything again so that it agrees, as
// they can without the key. Whoever leaves the numbers as they were is found at the
// lsn, whoever makes them agree too in the segments between two checkpoints.
func TestForgedRecords(t *testing.T) {
	t.Parallel()
	for name, f := range forgeries {
		for _, renumber := range []bool{false, true} {
			for _, at := range []int{1, 3} {
				t.Run(fmt.Sprintf("%s, segment %d, renumbered %t", name, at, renumber), func(t *testing.T) {
					t.Parallel()
					forged(t, at, renumber, f.at, f.change)
				})
			}
		}
	}
}

func forged(t *testing.T, at int, renumber bool, where func(int) int, change func([]archive.Record) []archive.Record) {
	w := newSignedWorld(t)
	ms := w.read().Segments(queue, 0)
	m, next := ms[at], ms[min(at+1, len(ms)-1)]
	w.must(archive.Forge(t.Context(), w.dir, queue, at, true, func(rs []archive.Record) []archive.Record { return rs }))
	if r := w.verify(); !r.OK() || w.read().Segments(queue, 0)[at].SHA256 != m.SHA256 {
		t.Fatalf("written again as it was: %v", r.Findings)
	}
	w.must(archive.Forge(t.Context(), w.dir, queue, at, renumber, change))
	if r := verified(t, w.dir); renumber && !r.OK() {
		t.Errorf("it does not agree with itself: %v", r.Findings)
	}
	r := w.verify()
	if r.OK() {
		t.Fatal("not found")
	}
	lsn, first := m.From.LSN+int64(where(int(m.Entries))), r.Findings[0]
	exact := renumber || first.From == first.To
	named := strings.Contains(first.Segment, m.Token) || !renumber && strings.Contains(first.Segment, next.Token) // where they do not fit
	if !exact || !named || !tells(first, lsn, m.From.LSN) {
		t.Errorf("found %s; want lsn %d in %s", first, lsn, m.Segment)
	}
}

// tells reports whether a finding is about an lsn of a segment that begins at another.
func tells(f archive.Finding, lsn, from int64) bool {
	return f.From <= lsn && lsn <= f.To || strings.HasSuffix(f.What, fmt.Sprintf("what stands behind lsn %d is not proved", from-1))
}
