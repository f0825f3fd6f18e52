package replay

import (
	"errors"
	"testing"
	"time"

	"github.com/tidemill/tidemill/task"
)

func TestFilterMatch(t *testing.T) {
	t.Parallel()
	at := task.Position{Ms: 5000, LSN: 50}
	id := task.NewID(1, 1, at)
	e := task.Event{
		At: at, Queue: "mail", Task: id, Kind: task.OutcomeDead, Type: "email.send", Consumer: "c1@v2@web-7", Actor: "ops", Error: "smtp: no such user",
		Headers: map[string]string{"tenant": "a"}, Opts: task.Opts{Key: "k"},
	}
	for name, test := range map[string]struct{ yes, no Filter }{
		"nothing":  {Filter{}, Filter{Queues: []task.Queue{"other"}}},
		"from":     {Filter{From: time.UnixMilli(5000)}, Filter{From: time.UnixMilli(5000).Add(1)}},
		"to":       {Filter{To: time.UnixMilli(5000).Add(1)}, Filter{To: time.UnixMilli(5000)}},
		"from lsn": {Filter{FromLSN: 50}, Filter{FromLSN: 51}},
		"to lsn":   {Filter{ToLSN: 50}, Filter{ToLSN: 49}},
		"queue":    {Filter{Queues: []task.Queue{"a", "mail"}}, Filter{Queues: []task.Queue{"mai"}}},
		"id":       {Filter{IDs: []task.ID{id}}, Filter{IDs: []task.ID{{}}}},
		"type":     {Filter{Types: []task.Type{"email.send"}}, Filter{Types: []task.Type{"email"}}},
		"kind":     {Filter{Kinds: []task.Kind{task.Born, task.OutcomeDead}}, Filter{Kinds: []task.Kind{task.Born}}},
		"state":    {Filter{States: []task.State{task.Dead}}, Filter{States: []task.State{task.Ready}}},
		"error":    {Filter{Error: "no such"}, Filter{Error: "No such"}},
		"consumer": {Filter{Consumers: []string{"c1@v2@web-7"}}, Filter{Consumers: []string{"c2", "ops"}}},
		"version":  {Filter{Versions: []string{"v1", "v2"}}, Filter{Versions: []string{"v"}}},
		"host":     {Filter{Hosts: []string{"web-7"}}, Filter{Hosts: []string{"web"}}},
		"actor":    {Filter{Actors: []string{"ops"}}, Filter{Actors: []string{"c1"}}},
		"header":   {Filter{Headers: map[string]string{"tenant": "a"}}, Filter{Headers: map[string]string{"tenant": "b"}}},
		"absent":   {Filter{}, Filter{Headers: map[string]string{"none": ""}}},
		"key":      {Filter{Key: "k"}, Filter{Key: "K"}},
		"sample":   {Filter{Sample: 1}, Filter{Sample: 1e-12}},
		"all":      {Filter{Queues: []task.Queue{"mail"}, Key: "k"}, Filter{Queues: []task.Queue{"mail"}, Key: "l"}},
	} {
		if !test.yes.Match(&e) {
			t.Errorf("%s: %+v does not match", name, test.yes)
		}
		if test.no.Match(&e) {
			t.Errorf("%s: %+v matches", name, test.no)
		}
	}
	taken := task.Event{Kind: task.Reclaimed, Consumer: "c1", Actor: "c2"}
	if f := (Filter{Consumers: []string{"c2"}}); !f.Match(&taken) {
		t.Error("who took over is a consumer too")
	}
}

// TestSample: a sample is its size, and of a larger one.
func TestSample(t *testing.T) {
	t.Parallel()
	n := map[float64]int{}
	for i := range int64(10_000) {
		id := task.NewID(3, 1, task.Position{Ms: 1_700_000_000_000 + i/10, LSN: i})
		was := false
		for _, fraction := range []float64{0.01, 0.1, 0.5, 1} {
			in := sampled(id, fraction)
			if was && !in {
				t.Fatalf("%s is of a sample, and not of %g", id, fraction)
			}
			if was = in; in {
				n[fraction]++
			}
		}
	}
	for fraction, got := range n {
		if want := fraction * 10_000; float64(got) < want*0.8 || float64(got) > want*1.2 {
			t.Errorf("%g: got %d of 10000", fraction, got)
		}
	}
	if got := n[1]; got != 10_000 {
		t.Errorf("1: got %d", got)
	}
}

func TestFilterValidate(t *testing.T) {
	t.Parallel()
	for _, f := range []Filter{
		{From: time.UnixMilli(2), To: time.UnixMilli(2)}, {FromLSN: 3, ToLSN: 2}, {Sample: -0.1}, {Sample: 1.1},
	} {
		if err := f.Validate(); !errors.Is(err, task.ErrInvalidOption) {
			t.Errorf("%+v: got %v", f, err)
		}
		for _, err := range Select(t.Context(), one(nil), f, nil) {
			if !errors.Is(err, task.ErrInvalidOption) {
				t.Errorf("%+v: got %v", f, err)
			}
		}
	}
}

func TestCursorInvalid(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "x", "[]", `{"q/0":"1"}`, `{"q/0":"1-1"}`, `{"q/0":"1-1/-1"}`, `{"q/0":7}`} {
		if c, err := ParseCursor(s); !errors.Is(err, ErrInvalidCursor) {
			t.Errorf("%q: got %v, %v", s, c, err)
		}
	}
	for _, err := range Select(t.Context(), one(bulk(1)), Filter{}, Cursor{"other/0": {}}) {
		if !errors.Is(err, ErrInvalidCursor) {
			t.Errorf("got %v", err)
		}
	}
	c, err := ParseCursor(`{"q/0":"1000-1/2"}`)
	if want := (Mark{task.Position{Ms: 1000, LSN: 1}, 2}); err != nil || c["q/0"] != want {
		t.Errorf("got %v, %v", c, err)
	}
}

// TestLeads: whatever the state before, an event leads to one state.
func TestLeads(t *testing.T) {
	t.Parallel()
	for _, k := range task.Kinds() {
		for _, s := range task.States() {
			to, err := task.Apply(s, k)
			if err == nil && k != task.StaleOutcome && k != task.Redacted && to != leads(k) {
				t.Errorf("%s leads from %s to %s, and to %s", k, s, to, leads(k))
			}
		}
	}
}
