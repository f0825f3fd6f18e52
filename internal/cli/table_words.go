package cli

import (
	"fmt"
	"strings"
	"time"
)

// stamp is how moments are printed, in the time zone of the terminal.
const stampLayout = "2006-01-02 15:04:05.000"

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(stampLayout)
}

func stampMs(ms int64) string { return stamp(time.UnixMilli(ms)) }

// short is a duration in two units at most: 340µs 12ms 1.2s 4m10s 3h2m 2d3h.
func short(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 0:
		return "-" + short(-d)
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 10*time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	case d < day:
		d = d.Round(time.Minute)
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	d = d.Round(time.Hour)
	return fmt.Sprintf("%dd%dh", d/day, d%day/time.Hour)
}

// ago tells a moment by its distance from now.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	return short(max(now.Sub(t), 0)) + " ago"
}

// due tells how far off a moment is.
func due(in time.Duration) string {
	if in < 0 {
		return "overdue " + short(-in)
	}
	return "in " + short(in)
}

// bytesOf is a size in binary units.
func bytesOf(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	v, i := float64(n)/unit, 0
	for ; v >= unit && i < 4; i++ {
		v /= unit
	}
	return fmt.Sprintf("%.1f %ciB", v, "KMGTP"[i])
}

// count names a number of things: 1 task, 2 tasks.
func count[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if s, ok := strings.CutSuffix(noun, "y"); ok {
		return fmt.Sprintf("%d %sies", n, s)
	}
	if strings.HasSuffix(noun, "sh") {
		noun += "e"
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
