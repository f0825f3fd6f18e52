package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/task"
)

// takes is a Producer that takes as many tasks as it is told, then fails.
type takes struct {
	room  int
	err   error
	took  []task.Birth
	calls int
	each  func() // called with each batch
}

func (s *takes) Produce(_ context.Context, b []task.Birth) ([]engine.Task, error) {
	s.calls++
	if s.each != nil {
		s.each()
	}
	n := min(len(b), s.room)
	s.room -= n
	s.took = append(s.took, b[:n]...)
	if n < len(b) {
		return make([]engine.Task, n), s.err
	}
	return make([]engine.Task, n), nil
}

func ndjson(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "{\"id\":%d}\n", i+1)
	}
	return b.String()
}

func runImport(ctx context.Context, to engine.Producer, in string, e *enqueueFlags) (*importer, error) {
	m := &importer{to: to, typ: engine.Define[[]byte]("t"), flags: e, lines: newLineReader(strings.NewReader(in), engine.DefaultMaxPayload)}
	return m, m.run(ctx)
}

func TestImportKeepsOrderAndBytes(t *testing.T) {
	t.Parallel()
	p := &takes{room: 5000}
	m, err := runImport(t.Context(), p, ndjson(2000), &enqueueFlags{keyField: "id", keyTTL: 1000000000})
	if err != nil || m.sum != (imported{Enqueued: 2000}) {
		t.Fatalf("got %+v, %v", m.sum, err)
	}
	for i, b := range p.took {
		if string(b.Payload) != fmt.Sprintf(`{"id":%d}`, i+1) || b.Key != fmt.Sprint(i+1) || b.Type != "t" {
			t.Fatalf("task %d: got %s, key %s", i, b.Payload, b.Key)
		}
	}
	if p.calls > 2000/batchTasks+1 {
		t.Errorf("got %d calls", p.calls)
	}
}

func TestImportStops(t *testing.T) {
	t.Parallel()
	full := &task.Backpressure{Reason: "memory"}
	lost := fmt.Errorf("%w: %w", engine.ErrUncertain, engine.ErrUnavailable)
	big := `"` + strings.Repeat("x", engine.DefaultMaxPayload) + "\"\n"
	for _, tt := range []struct {
		name, in, field string
		p               takes
		code, line, in0 int
		text, hint      string
	}{
		{"malformed", ndjson(6) + "{bad\n" + ndjson(5), "", takes{room: 99}, exitData, 7, 6, "line 7: not JSON: byte 2", "go on from line 7"},
		{"blank lines count", "1\n\n\n2 2\n", "", takes{room: 99}, exitData, 4, 1, "line 4: not JSON", "line 4"},
		{"too large", ndjson(3) + big, "", takes{room: 99}, exitData, 4, 3, "line 4: payload too large", "line 4"},
		{"no key", ndjson(2) + "{\"ID\":1}\n", "id", takes{room: 99}, exitData, 3, 2, `line 3: key field "id" is missing`, "whole file can be enqueued again"},
		{"full", ndjson(2000), "", takes{room: 700, err: full}, exitBackpressure, 701, 700, "line 701: back-pressure: memory (700 enqueued", "raise maxmemory"},
		{"full at once", ndjson(9), "", takes{err: full}, exitBackpressure, 1, 0, "line 1: back-pressure", "line 1"},
		{"lost", ndjson(2000), "", takes{room: 600, err: lost}, exitUnavailable, 601, 600, "line 601: outcome uncertain", "--key-field"},
		{"full before malformed", ndjson(9) + "bad\n", "", takes{room: 4, err: full}, exitBackpressure, 5, 4, "line 5: back-pressure", "line 5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, err := runImport(t.Context(), &tt.p, tt.in, &enqueueFlags{keyField: tt.field, keyTTL: 1000000000})
			if err == nil {
				t.Fatal("got nil, want an error")
			}
			code, hint := classify(err)
			if code != tt.code || !strings.HasPrefix(err.Error(), tt.text) || !strings.Contains(hint, tt.hint) {
				t.Errorf("got code %d, %v, hint %q", code, err, hint)
			}
			if m.sum.Line != tt.line || m.sum.Enqueued != tt.in0 || len(tt.p.took) != tt.in0 {
				t.Errorf("got %+v, %d taken, want line %d, %d in", m.sum, len(tt.p.took), tt.line, tt.in0)
			}
		})
	}
}

// An interrupt lets the batch that is on its way arrive and counts it.
func TestImportInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p := &takes{room: 5000, each: cancel}
	m, err := runImport(ctx, p, ndjson(2000), &enqueueFlags{})
	code, _ := classify(err)
	if code != exitInterrupted || m.sum.Enqueued != len(p.took) || p.calls != 1 || m.sum.Line != len(p.took)+1 {
		t.Errorf("got code %d, %v, %+v, %d taken in %d calls", code, err, m.sum, len(p.took), p.calls)
	}
}

func TestKeyOf(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, payload := range []string{
		`{"id":"a\u00e9"}`, `{"id":17}`, `{"id":-1.50e3}`, `{"x":{"id":1},"id":"2"}`, `{"id":1,"id":2}`,
		`{"ID":1}`, `{"id":null}`, `{"id":true}`, `{"id":{}}`, `[1]`, `null`, `"id"`, `{}`,
	} {
		key, err := keyOf([]byte(payload), "id")
		if err != nil {
			key = "error: " + err.Error()
		}
		got[payload] = key
	}
	const missing, odd, none = `error: key field "id" is missing`, `error: key field "id" is neither a string nor a number`, `error: key field "id": the payload is no object`
	want := map[string]string{
		`{"id":"a\u00e9"}`: "aé", `{"id":17}`: "17", `{"id":-1.50e3}`: "-1.50e3", `{"x":{"id":1},"id":"2"}`: "2", `{"id":1,"id":2}`: "2",
		`{"ID":1}`: missing, `{"id":null}`: odd, `{"id":true}`: odd, `{"id":{}}`: odd, `[1]`: none, `null`: none, `"id"`: none, `{}`: missing,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCheckJSON(t *testing.T) {
	t.Parallel()
	for _, ok := range []string{`1`, ` {"a":[1,2]} `, `null`, `""`} {
		if err := checkJSON([]byte(ok)); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
	for _, bad := range []string{``, `{`, `{"a":1} {}`, `{a:1}`, "\xef\xbb\xbf{}", `'a'`} {
		err := checkJSON([]byte(bad))
		if err == nil || !strings.HasPrefix(err.Error(), "not JSON: ") || errors.Unwrap(err) == nil {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}
