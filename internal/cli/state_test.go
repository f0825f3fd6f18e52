package cli

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/task"
)

// lived is a console with a short history: lsn 1 the epoch, 2 a birth, 3 its end,
// 4 a birth, 5 a delayed one, 6 a pause.
func lived(t *testing.T, url string) *console {
	t.Helper()
	c := newConsole(t, url)
	c.dead("DEAD", task.Birth{Headers: map[string]string{"tenant": "a"}})
	c.enqueue("READY", task.Birth{})
	c.enqueue("LATER", task.Birth{In: time.Hour})
	c.ok("pause", "mail", "--reason", "a deploy", "--actor", "ops")
	return c
}

func TestState(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"memory": "mem://" + redistest.Namespace(t), "redis": redistest.URL(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := lived(t, url)
			const heading = "QUEUE  WAITING  READY  TAKEN  DEAD  PAUSED  OLDEST OPEN  NEXT DUE  ENQUEUED  SUCCEEDED  RETRIED  DIED  CANCELLED  EXPIRED\n"
			for at, want := range map[int]string{
				1: "mail  0  0  0  0  -  -  -  0  0  0  0  0  0\nas of TIME: mail/0 lsn 1",
				2: "mail  0  1  0  0  -  TIME  -  1  0  0  0  0  0\nas of TIME: mail/0 lsn 2",
				5: "mail  1  1  0  1  -  TIME  TIME  3  0  0  1  0  0\nas of TIME: mail/0 lsn 5",
				6: "mail  1  1  0  1  paused  TIME  TIME  3  0  0  1  0  0\nas of TIME: mail/0 lsn 6",
			} {
				c.same(c.masked(c.ok("state", "--at", strconv.Itoa(at), "--queue", "mail")), heading+want)
			}
			c.same(c.ok("state"), c.ok("state", "--at", "6"))
		})
	}
}

func TestStateJSON(t *testing.T) {
	t.Parallel()
	c := lived(t, "mem://"+redistest.Namespace(t))
	var got struct {
		At     time.Time
		Queues []struct {
			Queue          string
			Waiting, Ready int
			Died           int `json:"dead_total"`
			Paused         bool
		}
		AsOf map[string]int64 `json:"as_of"`
	}
	out := c.ok("state", "--json")
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if q := got.Queues; len(q) != 1 || q[0].Queue != "mail" || q[0].Waiting != 1 || q[0].Died != 1 || !q[0].Paused || got.AsOf["mail/0"] != 6 {
		t.Errorf("got %s", out)
	}
	// The very moment that it told is one to ask for.
	if again := c.ok("state", "--json", "--at", got.At.Format(time.RFC3339Nano)); again != out {
		t.Errorf("got %s, want %s", again, out)
	}
	empty := memory(t)
	empty.same(empty.ok("state"), "the history is empty: the first enqueue begins it")
}

func TestStateOfATask(t *testing.T) {
	t.Parallel()
	c := memory(t)
	id := c.dead("TASK", task.Birth{})
	c.same(c.masked(c.ok("state", "--at", "2", "--task", id.String())), `
task  TASK
state  ready or running
type  email.send
queue  mail
attempt  1
enqueued  TIME
changed  TIME
as of TIME: mail/0 lsn 2`)
	contains(t, c.masked(c.ok("state", "--task", id.String())), "\nstate  dead: buried\n")
	contains(t, c.ok("state", "--task", id.String(), "--json"), `"state":"dead"`)
	contains(t, c.ok("state", "--task", id.String(), "--json"), `"as_of":{"mail/0":3}}`)
	later := c.enqueue("LATER", task.Birth{In: time.Hour})
	contains(t, c.masked(c.ok("state", "--task", later.String())), "\nstate  waiting, due TIME (in SPAN)\n")
	r := c.run("state", "--at", "3", "--task", later.String())
	if r.code != exitFailed || !strings.Contains(r.err, " at lsn 3: not found\nhint: ") {
		t.Errorf("not born yet: got %+v", r)
	}
}

func TestStateRefuses(t *testing.T) {
	t.Parallel()
	c := lived(t, "mem://"+redistest.Namespace(t))
	c.fails(exitData, "tidemill: state: lsn 7: outside the history: mail/0 has lsn 1 to 6, TIME to TIME\nhint: ask for a moment in between; without --at it is the latest one", "state", "--at", "7")
	for _, at := range []string{"2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"} {
		r := c.run("state", "--at", at)
		if r.code != exitData || !strings.Contains(r.err, ": outside the history: mail/0 has lsn 1 to 6, ") {
			t.Errorf("%s: got %+v", at, r)
		}
	}
	for _, args := range [][]string{{"--at", "yesterday"}, {"--at", "0"}, {"--at", "-1"}, {"--partition", "1"}, {"extra"}} {
		if r := c.run(append([]string{"state"}, args...)...); r.code != exitUsage || !strings.Contains(r.err, "hint: ") {
			t.Errorf("%q: got %+v", args, r)
		}
	}
	c.fails(exitFailed, "tidemill: state: queue nope: not found\nhint: tidemill queues lists the queues; ids are 26 characters", "state", "--queue", "nope")
	c.fails(exitFailed, "tidemill: state: partition 1 of mail: not found\nhint: tidemill queues lists the queues; ids are 26 characters", "state", "--at", "1", "--queue", "mail", "--partition", "1")
}

func TestStateAsksForTheQueue(t *testing.T) {
	t.Parallel()
	c := memory(t)
	c.enqueue("TASK", task.Birth{})
	if _, err := c.log.Enqueue(t.Context(), []task.Birth{{Queue: "other", Type: "t"}}); err != nil {
		t.Fatal(err)
	}
	c.fails(exitData, "tidemill: state: invalid option: lsn 2 is one of each queue: name the queue\n"+
		"hint: an lsn is of one partition: --queue NAME, and --partition N where it has several", "state", "--at", "2")
	contains(t, c.masked(c.ok("state", "--at", "2", "--queue", "other")), "\nas of TIME: other/0 lsn 2\n")
}

func TestParseMoment(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 15, 0, 0, 0, time.Local)
	for s, want := range map[string]time.Time{
		"2026-11-23T14:02:03Z":          time.Date(2026, 11, 23, 14, 2, 3, 0, time.UTC),
		"2026-11-23T14:02:03.004+01:00": time.Date(2026, 11, 23, 13, 2, 3, 4e6, time.UTC),
		"2026-11-23 14:02:03.004":       time.Date(2026, 11, 23, 14, 2, 3, 4e6, time.Local),
		"2026-11-23 14:02":              time.Date(2026, 11, 23, 14, 2, 0, 0, time.Local),
		"2026-11-22":                    time.Date(2026, 11, 22, 0, 0, 0, 0, time.Local),
		"14:02":                         time.Date(2026, 11, 23, 14, 2, 0, 0, time.Local),
		"14:02:03":                      time.Date(2026, 11, 23, 14, 2, 3, 0, time.Local),
		"1h30m":                         now.Add(-90 * time.Minute),
	} {
		if m, err := parseMoment("at", s, now); err != nil || !m.Time.Equal(want) || m.LSN != 0 {
			t.Errorf("%q: got %s, %v, want %s", s, m, err, want)
		}
	}
	if m, err := parseMoment("at", "4711", now); err != nil || m.LSN != 4711 || !m.Time.IsZero() {
		t.Errorf("got %s, %v", m, err)
	}
}
