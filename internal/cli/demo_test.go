package cli

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// A demo whose server lives on: what the archive says of moments is what the log
// says, and a payload is removed from both, after which verify is green. The rest is
// in testdata/demo_archive.txtar.
func TestDemoArchive(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t, redisproc.Options{}).URL()
	var out bytes.Buffer
	a := &app{in: strings.NewReader(""), out: &out, err: &out, url: url}
	dir := filepath.Join(t.TempDir(), "history")
	if err := a.demoOn(t.Context(), &engines{url: url}, 300, &demoArchive{dir: dir}); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	log, err := streams.New(url, streams.Options{Namespace: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c := &console{T: t, url: url, ns: "demo", log: log}
	id, last := c.succeeded()
	for lsn := int64(1); lsn <= last; lsn += max(1, last/7) {
		at := fmt.Sprint(lsn)
		c.same(c.ok("state", "--at", at, "--json", "--archive", dir), c.ok("state", "--at", at, "--json"))
	}

	if got := c.ok("redact", id.String(), "--reason", "ticket 4711", "--actor", "ann", "--archive", dir); !regexp.MustCompile(` redacted, [1-9]\d* payloads? removed`).MatchString(got) {
		t.Errorf("got %s", got)
	}
	c.ok("archive", "run", "--to", dir, "--key", dir+".key", "--once")
	if got := c.ok("verify", dir, "--pub", dir+".key.pub"); !strings.HasPrefix(got, "OK: ") || !regexp.MustCompile(`, [1-9]\d* erased; `).MatchString(got) {
		t.Errorf("got %s", got)
	}
	if got := c.ok("restore", "--archive", dir, "--at", fmt.Sprint(last), "--into", "again", "--yes"); !strings.Contains(got, "0 lost, 0 ended twice, 0 early") {
		t.Errorf("got %s", got)
	}
	c.ok("fsck", "--namespace", "again")
}

// succeeded finds a task that succeeded, and the last lsn.
func (c *console) succeeded() (id task.ID, last int64) {
	c.Helper()
	for e, err := range c.log.Reader().Events(c.Context(), "default", 0, task.Position{}) {
		if err != nil {
			c.Fatal(err)
		}
		if last = e.At.LSN; e.Kind == task.OutcomeSuccess {
			id = e.Task
		}
	}
	return id, last
}
