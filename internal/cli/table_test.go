package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

func contains(t *testing.T, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Errorf("got %s\nwant in it: %s", got, want)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	a := &app{out: &out}
	tab := a.newTable("NAME", "N>", "LAST")
	tab.flush()
	if out.Len() > 0 {
		t.Errorf("a heading without rows: got %q", out.String())
	}
	tab.row("a", "1", "x\ty\nz")
	tab.row("ünï", "1000", "")
	tab.flush()
	want := "NAME     N  LAST\na        1  x y; z\nünï   1000  -\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestTableComesInBlocks(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tab := (&app{out: &out}).newTable("N")
	for i := range 2*tableBlock + 1 {
		tab.row(fmt.Sprint(i))
	}
	early := strings.Count(out.String(), "\n")
	tab.flush()
	if all := strings.Count(out.String(), "\n"); early != 2*tableBlock || all != 2*tableBlock+2 {
		t.Errorf("got %d lines, then %d", early, all)
	}
}

func TestShort(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", 340 * time.Microsecond: "340µs", 12345 * time.Microsecond: "12ms", 1234 * time.Millisecond: "1.23s",
		12345 * time.Millisecond: "12.3s", 250 * time.Second: "4m10s", 3*time.Hour + 2*time.Minute + 31*time.Second: "3h3m",
		51 * time.Hour: "2d3h", -1500 * time.Millisecond: "-1.5s",
	} {
		if got := short(d); got != want {
			t.Errorf("short(%s): got %s, want %s", d, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"1 task": count(1, "task"), "0 tasks": count(0, "task"), "2 deliveries": count(int64(2), "delivery"), "3 crashes": count(3, "crash"),
		"1023 B": bytesOf(1023), "1.5 KiB": bytesOf(1536), "2.0 GiB": bytesOf(2 << 30), "in 2s": due(2 * time.Second), "overdue 2s": due(-2 * time.Second),
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func rowsOf(s string) []string { return strings.Split(strings.TrimSpace(s), "\n") }
