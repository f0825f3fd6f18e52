package export_test

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tidemill/tidemill/replay/export"
	"github.com/tidemill/tidemill/task"
)

var place = task.Position{Ms: 1_795_365_844_538, LSN: 4242}

// one of each kind, and texts that want to be more than texts.
func events() (all []task.Event) {
	id := task.NewID(3, 2, place)
	for _, k := range task.Kinds() {
		all = append(all, task.Event{At: place, Partition: 3, Queue: "mail", Kind: k, Task: id, Attempt: 2, Consumer: "01M8229DHX42NHE45DSMEJTZFX@v1.4.2@web-7"})
	}
	for _, s := range []string{"=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "a\nb,\"c\"", "\x1b[31mred", "\xff\xfe", "ünï"} {
		all = append(all, task.Event{
			At: place, Item: len(all), Partition: 3, Queue: "mail", Kind: task.OutcomeDead, Task: id, Error: s, Actor: s, Reason: s,
			Opts: task.Opts{Key: s}, Ran: 1500 * time.Microsecond, DueMs: place.Ms + 1, Prev: place,
		})
	}
	return append(all, task.Event{
		At: place, Queue: "mail", Kind: task.Born, Task: id, Type: "email.send", Payload: []byte{0, 1, 0xff}, Headers: map[string]string{"b": "=2", "a": "1"},
	}, task.Event{At: place, Queue: "mail", Kind: task.Unknown, Raw: []string{"v", "9", "kind", "=new"}},
		task.Event{At: place, Queue: "mail", Kind: task.OutcomeSuccess, Consumer: "x@=1", Opts: task.Opts{Retries: -1}, Result: task.Digest{0: 0xab, 15: 1}},
		task.Event{At: place, Queue: "mail", Kind: task.Released, Task: id, Type: "email.send", Erased: true})
}

func TestCSV(t *testing.T) {
	t.Parallel()
	all := events()
	var b bytes.Buffer
	w := export.NewCSV(&b)
	for i := range all {
		if err := w.Write(&all[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != len(all)+1 {
		t.Fatalf("%d rows of %d events: %v", len(rows), len(all), err)
	}
	for i := range all {
		e, cell := &all[i], map[string]string{}
		for c, name := range export.Columns {
			cell[name] = rows[i+1][c]
		}
		if cell["time"] != "2026-11-22T16:44:04.538Z" || cell["kind"] != e.Kind.String() || cell["lsn"] != "4242" || cell["item"] != fmt.Sprint(e.Item) {
			t.Errorf("%s: %v", e.Kind, cell)
		}
		if got, err := base64.StdEncoding.DecodeString(cell["payload_base64"]); err != nil || !bytes.Equal(got, e.Payload) {
			t.Errorf("payload %q of %q: %v", got, e.Payload, err)
		}
		if raw := cell["raw"]; (raw == "") != (len(e.Raw) == 0) || raw != "" && raw != `["v","9","kind","=new"]` {
			t.Errorf("raw %q", raw)
		}
		if e.Opts.Retries == -1 && (cell["retries"] != "-1" || cell["version"] != "'=1") {
			t.Errorf("retries %q, version %q", cell["retries"], cell["version"])
		}
		if cell["result"] != e.Result.String() || e.Opts.Retries == -1 && cell["result"] != "ab000000000000000000000000000001" {
			t.Errorf("result %q of %s", cell["result"], e.Result)
		}
		if cell["payload_redacted"] != map[bool]string{true: "true"}[e.Erased] {
			t.Errorf("redacted %q", cell["payload_redacted"])
		}
		for name, was := range map[string]string{"error": e.Error, "actor": e.Actor, "reason": e.Reason, "key": e.Opts.Key} {
			got := cell[name]
			if strings.ContainsAny(was[:min(len(was), 1)], "=+-@\t\r") {
				was = "'" + was
			}
			if was = strings.ReplaceAll(strings.ToValidUTF8(was, "\uFFFD"), "\x1b", "\uFFFD"); got != was || !utf8.ValidString(got) {
				t.Errorf("%s: got %q, want %q", name, got, was)
			}
		}
	}
}

// Times have milliseconds, also where these are zeroes.
func TestStamp(t *testing.T) {
	t.Parallel()
	e := task.Event{At: task.Position{Ms: 1_795_365_844_000, LSN: 1}, Queue: "q", Kind: task.OutcomeRetry, DueMs: 1_795_365_844_500}
	c := export.CloudEventOf("ns", &e)
	line, err := c.JSON()
	if err != nil || !bytes.Contains(line, []byte(`"time":"2026-11-22T16:44:04.000Z"`)) || !bytes.Contains(line, []byte(`"due_at":"2026-11-22T16:44:04.500Z"`)) {
		t.Errorf("%s, %v", line, err)
	}
}

// An empty history is a table without rows.
func TestCSVEmpty(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := export.NewCSV(&b).Flush(); err != nil || b.String() != strings.Join(export.Columns, ",")+"\n" {
		t.Errorf("got %q, %v", b.String(), err)
	}
}

// What CloudEvents 1.0 requires is there; source and id are unique together.
func TestCloudEvents(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for i, e := range events() {
		e.Item = i
		c := export.CloudEventOf("prod", &e)
		line, err := c.JSON()
		if err != nil || bytes.Count(line, []byte("\n")) != 1 || !utf8.Valid(line) {
			t.Fatalf("%q: %v", line, err)
		}
		var got map[string]any
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]any{
			"specversion": "1.0", "source": fmt.Sprintf("/tidemill/prod/mail/%d", e.Partition), "type": "com.github.tidemill." + e.Kind.String(),
			"time": "2026-11-22T16:44:04.538Z", "datacontenttype": "application/json",
		} {
			if got[name] != want {
				t.Errorf("%s: got %v, want %v", name, got[name], want)
			}
		}
		if e.Task.IsZero() != (got["subject"] == nil) || !e.Task.IsZero() && got["subject"] != e.Task.String() {
			t.Errorf("subject %v of %s", got["subject"], e.Task)
		}
		key := fmt.Sprint(got["source"], got["id"])
		if seen[key] {
			t.Errorf("%s twice", key)
		}
		seen[key] = true
		data, _ := got["data"].(map[string]any)
		said := func(name string) string { s, _ := data[name].(string); return s }
		if data["kind"] != e.Kind.String() || said("version") != task.VersionOf(e.Consumer) || said("host") != task.HostOf(e.Consumer) {
			t.Errorf("data %v", data)
		}
		if e.Result.IsZero() != (data["result"] == nil) || !e.Result.IsZero() && data["result"] != e.Result.String() {
			t.Errorf("result %v of %s", data["result"], e.Result)
		}
	}
}
