package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tidemill/tidemill/replay"
)

// momentForms are how a moment may be written, beside an lsn and a length of
// time: as in JSON, as the commands print it, and of today.
var momentForms = []struct {
	layout string
	today  bool
}{
	{layout: time.RFC3339},
	{layout: "2006-01-02 15:04:05"},
	{layout: "2006-01-02 15:04"},
	{layout: "2006-01-02"},
	{layout: "15:04:05", today: true},
	{layout: "15:04", today: true},
}

// momentHelp stands in the help of commands that take moments.
const momentHelp = "A moment is a time as 2026-12-24T18:00:00Z or '2026-12-24 18:00:00', 14:02 for today, 90s or 1h30m\n" +
	"for so long ago, or a number: an lsn. Times without a zone are those of this terminal."

// parseMoment reads the value of a flag.
func parseMoment(flag, s string, now time.Time) (m replay.Moment, err error) {
	if s == "" {
		return m, nil
	}
	if lsn, err := strconv.ParseInt(s, 10, 64); err == nil {
		if lsn <= 0 {
			return m, usage(fmt.Errorf("--%s %d: the first lsn is 1", flag, lsn))
		}
		return replay.Moment{LSN: lsn}, nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return replay.Moment{Time: now.Add(-d)}, nil
	}
	for _, form := range momentForms {
		t, err := time.ParseInLocation(form.layout, s, time.Local)
		if err != nil {
			continue
		}
		if form.today {
			y, month, d := now.Local().Date()
			t = t.AddDate(y-t.Year(), int(month-t.Month()), d-t.Day())
		}
		return replay.Moment{Time: t}, nil
	}
	return m, usage(fmt.Errorf("--%s %q: want a time as 2026-12-24T18:00:00Z or 14:02, 1h30m for so long ago, or an lsn", flag, clip(s, 40)))
}

// stretch is what the flags --from and --to say.
type stretch struct{ from, to string }

func (s *stretch) narrow(f *replay.Filter, now time.Time) error {
	from, err1 := parseMoment("from", s.from, now)
	to, err2 := parseMoment("to", s.to, now)
	if err := errors.Join(err1, err2); err != nil {
		return usage(errors.New(strings.ReplaceAll(err.Error(), "\n", "; ")))
	}
	f.From, f.FromLSN, f.To, f.ToLSN = from.Time, from.LSN, to.Time, to.LSN
	if err := f.Validate(); err != nil {
		return usage(err)
	}
	return nil
}
