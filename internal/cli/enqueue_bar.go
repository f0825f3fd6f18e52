package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// barWidth and barEvery are what a line of 80 characters and an eye can take.
const (
	barWidth = 30
	barEvery = 100 * time.Millisecond
)

// bar shows on a terminal how far an import is. A nil bar shows nothing.
type bar struct {
	w     io.Writer
	total int64 // bytes to read; 0: unknown
	began time.Time
	drawn time.Time
}

// newBar is nil when w is no terminal.
func newBar(w io.Writer, total int64) *bar {
	if f, ok := w.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return &bar{w: w, total: total, began: time.Now()}
}

// show draws, but not more often than barEvery.
func (b *bar) show(now time.Time, read int64, sum imported) {
	if b == nil || now.Sub(b.drawn) < barEvery {
		return
	}
	b.drawn = now
	var line strings.Builder
	if b.total > 0 {
		part := float64(min(read, b.total)) / float64(b.total)
		full := int(part * barWidth)
		fmt.Fprintf(&line, "[%s%s] %3.0f %%  ", strings.Repeat("=", full), strings.Repeat(" ", barWidth-full), 100*part)
	}
	rate := float64(sum.Enqueued+sum.Existed) / max(now.Sub(b.began), time.Millisecond).Seconds()
	fmt.Fprintf(b.w, "\r\x1b[K%s%s, %.0f/s", line.String(), sum, rate)
}

// clear leaves the line as if there had been no bar.
func (b *bar) clear() {
	if b != nil && !b.drawn.IsZero() {
		fmt.Fprint(b.w, "\r\x1b[K")
	}
}
