package rerun

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tidemill/tidemill/task"
)

// Pace is how fast a history is run again. The zero value is as fast as possible.
type Pace struct {
	Speed  float64       // of the recorded time: 1 as recorded, 2 twice as fast
	Rate   float64       // or so many a second
	MaxGap time.Duration // with Speed: no recorded gap counts as more than this; 0: all count
}

// ParsePace reads "recorded", a factor as "2x", a rate as "100/s", or "max".
// Errors wrap [task.ErrInvalidOption].
func ParsePace(s string) (Pace, error) {
	var p Pace
	var err error
	switch {
	case s == "max":
		return p, nil
	case s == "recorded":
		p.Speed = 1
	case strings.HasSuffix(s, "x"):
		p.Speed, err = strconv.ParseFloat(strings.TrimSuffix(s, "x"), 64)
	case strings.HasSuffix(s, "/s"):
		p.Rate, err = strconv.ParseFloat(strings.TrimSuffix(s, "/s"), 64)
	}
	if err != nil || p.validate() != nil || p == (Pace{}) {
		return Pace{}, fmt.Errorf("%w: pace %q: want recorded, a factor as 2x, a rate as 100/s, or max", task.ErrInvalidOption, s)
	}
	return p, nil
}

func (p Pace) String() string {
	switch {
	case p.Rate > 0:
		return strconv.FormatFloat(p.Rate, 'g', -1, 64) + "/s"
	case p.Speed == 1:
		return "recorded"
	case p.Speed > 0:
		return strconv.FormatFloat(p.Speed, 'g', -1, 64) + "x"
	}
	return "max"
}

// The bounds of a pace keep its times within a duration.
const (
	minPace = 1e-6
	maxPace = 1e9
)

func (p Pace) validate() error {
	for name, v := range map[string]float64{"speed": p.Speed, "rate": p.Rate} {
		if v != 0 && !(v >= minPace && v <= maxPace) {
			return fmt.Errorf("%w: pace: %s %g: want %g to %g", task.ErrInvalidOption, name, v, minPace, maxPace)
		}
	}
	if p.Speed > 0 && p.Rate > 0 {
		return fmt.Errorf("%w: pace: speed and rate exclude each other", task.ErrInvalidOption)
	}
	if p.MaxGap < 0 {
		return fmt.Errorf("%w: pace: max gap %s is negative", task.ErrInvalidOption, p.MaxGap)
	}
	return nil
}

// schedule is a pace under way. It knows no clock.
type schedule struct {
	Pace
	n      int
	last   time.Time     // recorded, of the one before
	offset time.Duration // from the first one on
}

// next says how long after the first one the next is due, which was recorded at
// a time.
func (s *schedule) next(at time.Time) time.Duration {
	switch {
	case s.Rate > 0:
		s.offset = time.Duration(float64(s.n) / s.Rate * float64(time.Second))
	case s.Speed > 0 && s.n > 0:
		gap := max(at.Sub(s.last), 0) // clocks of partitions differ
		if s.MaxGap > 0 {
			gap = min(gap, s.MaxGap)
		}
		s.offset += time.Duration(float64(gap) / s.Speed)
	}
	if s.n++; at.After(s.last) {
		s.last = at
	}
	return s.offset
}

// rateSlack is how much a rate makes up: what timers are late by.
const rateSlack = 100 * time.Millisecond

// pacer waits by a schedule.
type pacer struct {
	schedule
	began time.Time
	late  time.Duration // the most that one was behind
}

// wait returns when the next one is due, or with the cause of ctx's end. What is
// late is not waited for. Recorded times are kept as soon as they can be; a rate is
// a limit, so that of time that was lost no more than a moment is made up.
func (p *pacer) wait(ctx context.Context, at time.Time) error {
	return sleep(ctx, p.due(at))
}

// sleep waits until a moment, which may have passed.
func sleep(ctx context.Context, until time.Time) error {
	d := time.Until(until)
	if d <= 0 {
		return context.Cause(ctx)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// due is when the next one is due, which was recorded at a time.
func (p *pacer) due(at time.Time) time.Time {
	now := time.Now()
	if p.n == 0 {
		p.began = now
	}
	due := p.began.Add(p.next(at))
	switch late := now.Sub(due); {
	case late <= 0:
	case p.Rate > 0:
		p.began = p.began.Add(max(late-rateSlack, 0))
	case p.Speed > 0:
		p.late = max(p.late, late)
	default:
		return now
	}
	return due
}
