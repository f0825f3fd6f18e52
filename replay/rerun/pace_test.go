package rerun

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/task"
)

// TestPace: everything comes at its time, to the nanosecond.
func TestPace(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	recorded := []time.Duration{0, 100 * ms, 100 * ms, 5100 * ms, 5090 * ms, 5200 * ms} // one clock went back
	for _, c := range []struct {
		pace Pace
		want []time.Duration
	}{
		{Pace{}, []time.Duration{0, 0, 0, 0, 0, 0}},
		{Pace{Speed: 1}, []time.Duration{0, 100 * ms, 100 * ms, 5100 * ms, 5100 * ms, 5200 * ms}},
		{Pace{Speed: 2}, []time.Duration{0, 50 * ms, 50 * ms, 2550 * ms, 2550 * ms, 2600 * ms}},
		{Pace{Speed: 1, MaxGap: time.Second}, []time.Duration{0, 100 * ms, 100 * ms, 1100 * ms, 1100 * ms, 1200 * ms}},
		{Pace{Rate: 10}, []time.Duration{0, 100 * ms, 200 * ms, 300 * ms, 400 * ms, 500 * ms}},
	} {
		t.Run(c.pace.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, began := pacer{schedule: schedule{Pace: c.pace}}, time.Now()
				var got []time.Duration
				for _, at := range recorded {
					if err := p.wait(t.Context(), base.Add(at)); err != nil {
						t.Fatal(err)
					}
					got = append(got, time.Since(began))
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
			})
		})
	}
}

// TestPaceLate: who is late by recorded times catches up; a rate is passed by
// no more than what it makes up.
func TestPaceLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			pace       Pace
			want       time.Duration
			mostBehind time.Duration
		}{
			{Pace{Speed: 1}, 10 * time.Second, 9 * time.Second},
			{Pace{Rate: 1}, 11*time.Second - rateSlack, 0},
		} {
			p, began := pacer{schedule: schedule{Pace: c.pace}}, time.Now()
			for i := range 3 {
				if err := p.wait(t.Context(), base.Add(time.Duration(i)*time.Second)); err != nil {
					t.Fatal(err)
				}
				if i == 0 {
					<-time.After(10 * time.Second) // busy
				}
			}
			if got := time.Since(began); got != c.want || p.late != c.mostBehind {
				t.Errorf("%s: took %s, %s late; want %s, %s", c.pace, got, p.late, c.want, c.mostBehind)
			}
		}
	})
}

func TestPaceEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(stop) })
		p, began := pacer{schedule: schedule{Pace: Pace{Speed: 1}}}, time.Now()
		if err := p.wait(ctx, base); err != nil {
			t.Fatal(err)
		}
		if err := p.wait(ctx, base.Add(time.Hour)); !errors.Is(err, stop) || time.Since(began) != time.Second {
			t.Errorf("got %v after %s, want %v after 1s", err, time.Since(began), stop)
		}
	})
}

func TestParsePace(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]Pace{"max": {}, "recorded": {Speed: 1}, "2x": {Speed: 2}, "0.5x": {Speed: 0.5}, "100/s": {Rate: 100}} {
		got, err := ParsePace(s)
		if err != nil || got != want || got.String() != s {
			t.Errorf("%s: got %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "x", "0x", "-1x", "NaNx", "+Infx", "/s", "0/s", "2", "fast", "1e-9x"} {
		if got, err := ParsePace(s); !errors.Is(err, task.ErrInvalidOption) {
			t.Errorf("%q: got %v, %v, want %v", s, got, err, task.ErrInvalidOption)
		}
	}
}
