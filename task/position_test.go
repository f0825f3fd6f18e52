package task

import (
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPositionRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := Position{Ms: rapid.Int64Range(0, math.MaxInt64).Draw(t, "ms"), LSN: rapid.Int64Range(0, math.MaxInt64).Draw(t, "lsn")}
		if got, err := ParsePosition(want.String()); err != nil || got != want {
			t.Fatalf("ParsePosition(%s): got %v, %v", want, got, err)
		}
		if got := string(want.Append([]byte("at "))); got != "at "+want.String() {
			t.Fatalf("Append: got %q", got)
		}
	})
}

func TestParsePositionRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "-", "1", "1-", "-1", "1-2-3", "-1-2", "1--2", "5--0", "+1-2", "1-+2", " 1-2", "1-2 ", "1-x", "x-1", "0x1-2", "1_0-2",
		"9223372036854775808-1", "1-9223372036854775808", "1-18446744073709551616", "$", ">", strings.Repeat("1", 1<<20),
	} {
		got, err := ParsePosition(s)
		if !errors.Is(err, ErrInvalidPosition) || !got.IsZero() {
			t.Errorf("ParsePosition(%.40q): got %v, %v, want ErrInvalidPosition", s, got, err)
		} else if len(err.Error()) > 200 {
			t.Errorf("ParsePosition of %d bytes: the error has %d bytes", len(s), len(err.Error()))
		}
	}
}

func TestPositionNext(t *testing.T) {
	t.Parallel()
	if got, want := (Position{Ms: 7, LSN: 8}).Next(), (Position{Ms: 7, LSN: 9}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if (Position{LSN: 1}).IsZero() || (Position{Ms: 1}).IsZero() || !(Position{}).IsZero() {
		t.Error("IsZero: want true of the zero position alone")
	}
}
