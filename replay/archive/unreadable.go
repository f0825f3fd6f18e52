package archive

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tidemill/tidemill/replay"
)

// unreadable tells of a frame that cannot be read, or whose payloads cannot: the
// segment, where the frame begins in the file, the lsns that it held, and which
// others the archive has. What is missing is damage too.
func (p *partition) unreadable(m *Manifest, i int, err error) error {
	switch {
	case errors.Is(err, replay.ErrAbsent):
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	case !errors.Is(err, ErrDamaged):
		return err // the bucket's
	}
	from, to := m.Frames[i].From.LSN, m.To.LSN
	if i+1 < len(m.Frames) {
		to = m.Frames[i+1].From.LSN - 1
	}
	rest := []string{}
	if first := p.segments[0].From.LSN; first < from {
		rest = append(rest, fmt.Sprintf("lsn %d to %d before it", first, from-1))
	}
	if last := p.segments[len(p.segments)-1].To.LSN; last > to {
		rest = append(rest, fmt.Sprintf("lsn %d to %d behind it", to+1, last))
	}
	if len(rest) == 0 {
		rest = append(rest, "nothing else")
	}
	return fmt.Errorf("%s, frame at byte %d, lsn %d to %d: %w; there is %s", m.place(), m.Frames[i].Offset, from, to, err, strings.Join(rest, " and "))
}
