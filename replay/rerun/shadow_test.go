package rerun

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/task"
)

// recordedDay has three types: mails succeed, reports fail and die, and the rest
// is what no handler decided.
func recordedDay() (history, *author) {
	a := newAuthor(0)
	for range 20 {
		a.after(time.Second).done("mail", task.OutcomeSuccess, "")
	}
	for range 4 {
		d := a.born(task.Born, "report")
		a.settle(d, task.OutcomeRetry, "no disk 4711")
		d.Attempt = 2
		a.settle(a.again(task.Released, d), task.OutcomeDead, "no disk 4712")
	}
	a.done("mail", task.OutcomeCancel, "")
	a.done("mail", task.OutcomeExpire, "")
	a.done("mail", task.OutcomeSnooze, "no handler on this node")
	a.born(task.Born, "mail") // open
	return history{a.log}, a
}

// sameAsThen does what was done that day.
func sameAsThen(_ context.Context, d *task.Delivery) task.Settlement {
	switch {
	case string(d.Payload) != d.ID.String():
		panic("not the recorded payload")
	case !d.Opts.Deadline.IsZero():
		panic("a deadline of then")
	case d.Type == "mail":
		return task.Settlement{Kind: task.OutcomeSuccess}
	case d.Attempt == 1:
		return task.Settlement{Kind: task.OutcomeRetry, Error: "no disk 9"}
	}
	return task.Settlement{Kind: task.OutcomeDead, Error: "no disk 10"}
}

func TestShadowIsQuietWithoutChange(t *testing.T) {
	t.Parallel()
	h, _ := recordedDay()
	d, err := (&Shadow{Handler: sameAsThen, Concurrency: 8}).Run(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	if d.Compared != 28 || d.Changed != 0 || d.Exceeds(0) {
		t.Errorf("%d compared, %d changed; want 28, 0", d.Compared, d.Changed)
	}
	for _, typ := range d.Types() {
		if len(typ.Errors)+len(typ.Examples) > 0 {
			t.Errorf("%s: got errors %v, examples %v", typ.Type, typ.Errors, typ.Examples)
		}
	}
	want := map[string]int{"cancelled by an operator": 1, "expired before its start": 1, "no handler then": 1}
	if diff := cmp.Diff(want, d.NotRun); diff != "" {
		t.Errorf("not run: -want +got\n%s", diff)
	}
}

func TestShadowFindsChange(t *testing.T) {
	t.Parallel()
	h, a := recordedDay()
	broken := a.truth[7].ID
	d, err := (&Shadow{Concurrency: 3, Handler: func(ctx context.Context, d *task.Delivery) task.Settlement {
		switch {
		case d.ID == broken:
			panic("seeded")
		case d.Type == "report" && d.Attempt == 1:
			return task.Settlement{Kind: task.OutcomeRetry, Error: "no memory"}
		}
		return sameAsThen(ctx, d)
	}}).Run(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	if d.Changed != 1 || !d.Exceeds(3.5) || d.Exceeds(3.6) {
		t.Errorf("got %d changed, %g%%; want 1 of 28", d.Changed, d.Percent())
	}
	mail, report := d.Types()[0], d.Types()[1]
	want := map[task.Kind]map[task.Kind]int{task.OutcomeSuccess: {task.OutcomeSuccess: 19, task.OutcomeRetry: 1}}
	if diff := cmp.Diff(want, mail.Matrix); diff != "" {
		t.Errorf("matrix: -want +got\n%s", diff)
	}
	if len(mail.Examples) != 1 || mail.Examples[0].ID != broken || mail.Examples[0].Error != "panic: seeded" {
		t.Errorf("examples: got %+v, want %s", mail.Examples, broken)
	}
	if diff := cmp.Diff([]ErrorChange{{Then: "no disk N", Now: "no memory", Count: 4}}, report.Errors); diff != "" {
		t.Errorf("errors: -want +got\n%s", diff)
	}
	line, err := json.Marshal(d)
	if err != nil || !strings.Contains(string(line), `"matrix":{"succeeded":{"retry":1,"succeeded":19}}`) {
		t.Errorf("got %s, %v", line, err)
	}
}

// TestShadowKeepsFewExamples: of each change, however often it is found.
func TestShadowKeepsFewExamples(t *testing.T) {
	t.Parallel()
	h, _ := recordedDay()
	d, err := (&Shadow{Examples: 2, Handler: func(context.Context, *task.Delivery) task.Settlement {
		return task.Settlement{Kind: task.OutcomeSnooze}
	}}).Run(t.Context(), h)
	if err != nil || d.Changed != 28 {
		t.Fatalf("got %d changed, %v, want 28", d.Changed, err)
	}
	for i, want := range []int{2, 4} { // reports were retried, and dead
		if got := d.Types()[i]; len(got.Examples) != want {
			t.Errorf("%s: got %d examples, want %d", got.Type, len(got.Examples), want)
		}
	}
}

// TestShadowResumes: interrupted at any attempt, with some still running, the next
// run goes on so that all are compared, and none before the cursor twice.
func TestShadowResumes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, _ := recordedDay()
		for stopAt := 1; stopAt <= 28; stopAt++ {
			cursor, total, seen := replay.Cursor{}, 0, 0
			for range 2 {
				ctx, cancel := context.WithCancel(t.Context())
				s := Shadow{Scope: Scope{Cursor: cursor}, Handler: func(ctx context.Context, d *task.Delivery) task.Settlement {
					if seen++; seen == stopAt {
						cancel()
						return task.Settlement{Kind: task.OutcomeRetry, Error: "killed"}
					}
					return sameAsThen(ctx, d)
				}}
				d, err := s.Run(ctx, h)
				if stopped := ctx.Err() != nil; stopped != errors.Is(err, context.Canceled) {
					t.Fatalf("got %v, stopped %t", err, stopped)
				}
				cancel()
				if total += d.Compared; d.Changed != 0 {
					t.Errorf("stopped at %d: what was cut off is compared", stopAt)
				}
			}
			if total != 28 {
				t.Errorf("stopped at %d: %d compared, want 28", stopAt, total)
			}
		}
	})
}

// TestLedger: a cursor stays before the first that is not done.
func TestLedger(t *testing.T) {
	t.Parallel()
	c := replay.Cursor{}
	l := newLedger(c)
	var tickets []*ticket
	for i := range 3 {
		tickets = append(tickets, l.begin(&Recorded{At: task.Position{Ms: 1, LSN: int64(i + 1)}, place: place{"q", 0}}))
	}
	for _, step := range []struct {
		end  int
		want int64
	}{{1, 0}, {0, 2}, {2, 3}} {
		if l.end(tickets[step.end]); c["q/0"].At.LSN != step.want {
			t.Errorf("after the end of %d: got lsn %d, want %d", step.end, c["q/0"].At.LSN, step.want)
		}
	}
}
