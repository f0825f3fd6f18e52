package wire

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/tidemill/tidemill/task"
)

// The place of every entry of testdata/events.
const partition = 7

var place = task.Position{Ms: 1_700_000_000_000, LSN: 4242}

// TestEvents runs testdata/events: the fields of one entry, a "name value" a
// line, a value in quotes where it is not plain, and the events it holds, with
// what is not empty. The directive is "events", or "delivery" for the entry as
// consumers read it. Together the scripts have every kind.
func TestEvents(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/events/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	var seen sync.Map
	t.Run("scripts", func(t *testing.T) {
		for _, file := range files {
			t.Run(filepath.Base(file), func(t *testing.T) {
				t.Parallel()
				datadriven.RunTest(t, file, func(t *testing.T, d *datadriven.TestData) string {
					f, err := parseFields(d.Input)
					if err != nil {
						d.Fatalf(t, "%v", err)
					}
					if d.Cmd == "delivery" {
						got, err := Delivery(partition, place, f, func(b []byte) string { return string(b) })
						return describe(got) + failure(err)
					}
					var b strings.Builder
					for _, e := range Events(partition, place, f) {
						seen.Store(e.Kind, true)
						b.WriteString(describe(e))
					}
					return b.String()
				})
			})
		}
	})
	for _, k := range task.Kinds() {
		if _, ok := seen.Load(k); !ok {
			t.Errorf("no script has an entry of kind %s", k)
		}
	}
}

func failure(err error) string {
	if err == nil {
		return ""
	}
	return fmt.Sprintf("error: %v\n", err)
}

func parseFields(input string) (f Fields, err error) {
	for line := range strings.Lines(input) {
		name, value, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		if strings.HasPrefix(value, `"`) {
			if value, err = strconv.Unquote(value); err != nil {
				return nil, fmt.Errorf("%s: %w", line, err)
			}
		}
		f = append(f, []byte(name), []byte(value))
	}
	return f, nil
}

// describe writes the fields of a struct that are not zero. Where it stands goes
// without saying.
func describe(v any) string {
	var b strings.Builder
	s := reflect.ValueOf(v)
	for i := range s.NumField() {
		name, f := s.Type().Field(i).Name, s.Field(i)
		if name == "Kind" {
			fmt.Fprintf(&b, "%s\n", f.Interface())
		}
		if f.IsZero() || name == "Kind" || said(f.Interface()) {
			continue
		}
		fmt.Fprintf(&b, "  %s: %s\n", name, show(f.Interface()))
	}
	return b.String()
}

func show(v any) string {
	switch v := v.(type) {
	case string, []byte, []string, map[string]string, task.Type, task.Queue:
		return fmt.Sprintf("%q", v)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case task.Opts:
		return fmt.Sprintf("%q", Opts(v))
	case fmt.Stringer:
		return v.String()
	}
	return fmt.Sprint(v)
}

func said(v any) bool {
	switch v := v.(type) {
	case task.Position:
		return v == place
	case task.Partition:
		return v == partition
	}
	return false
}
