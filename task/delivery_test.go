package task

import (
	"testing"
	"time"
)

func TestStarts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ count, crashes, want int }{
		{1, 0, 0}, // delivered for the first time
		{2, 0, 1}, // taken over
		{1, 2, 2}, // handed back by one who had taken it over
		{3, 1, 3},
	} {
		d := Delivery{Count: tt.count, Opts: Opts{Crashes: tt.crashes}}
		if got := d.Starts(); got != tt.want {
			t.Errorf("count %d, crashes %d: got %d, want %d", tt.count, tt.crashes, got, tt.want)
		}
	}
}

func TestDelayed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		b    Birth
		want bool
	}{
		{Birth{}, false},
		{Birth{In: -time.Second}, false},
		{Birth{In: 1}, true},
		{Birth{At: time.Unix(0, 0)}, true}, // past: due at once, by the clock of Redis
		{Birth{In: -1, At: time.Unix(1, 0)}, true},
	} {
		if got := tt.b.Delayed(); got != tt.want {
			t.Errorf("%+v: got %t, want %t", tt.b, got, tt.want)
		}
	}
}
