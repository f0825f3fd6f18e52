package cli

import (
	"strings"
	"testing"
	"time"
)

func TestBar(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	begin := time.Unix(1000, 0)
	b := &bar{w: &out, total: 200, began: begin}
	b.clear()
	b.show(begin.Add(time.Second), 50, imported{Enqueued: 90, Existed: 10})
	b.show(begin.Add(time.Second+barEvery/2), 60, imported{Enqueued: 100, Existed: 10}) // too soon
	b.show(begin.Add(2*time.Second), 200, imported{Enqueued: 400})
	b.clear()
	want := "\r\x1b[K[=======                       ]  25 %  90 enqueued, 10 existed, 100/s" +
		"\r\x1b[K[==============================] 100 %  400 enqueued, 0 existed, 200/s" +
		"\r\x1b[K"
	if got := out.String(); got != want {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
}

func TestBarOfUnknownLength(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	begin := time.Unix(1000, 0)
	b := &bar{w: &out, began: begin}
	b.show(begin.Add(time.Second), 50, imported{Enqueued: 7})
	if got, want := out.String(), "\r\x1b[K7 enqueued, 0 existed, 7/s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNoBarWithoutTerminal(t *testing.T) {
	t.Parallel()
	b := newBar(new(strings.Builder), 10)
	b.show(time.Now(), 5, imported{})
	b.clear()
	if b != nil {
		t.Error("got a bar, want none")
	}
}
