package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
)

// TestRoles runs the program as the users of docs/redis.acl.
func TestRoles(t *testing.T) {
	t.Parallel()
	rules, err := os.ReadFile("../../docs/redis.acl")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "users.acl")
	rules = regexp.MustCompile(`(?m)^user \S+ on`).ReplaceAll(rules, []byte("$0 >"+canary))
	if err := os.WriteFile(file, rules, 0o600); err != nil {
		t.Fatal(err)
	}
	url := redistest.Start(t, redisproc.Options{Args: []string{"--aclfile", file}, TCP: true}).URL()
	w := newWorld(t, url)
	as := func(role string) *console {
		return &console{T: t, url: strings.Replace(url, "://", "://tidemill-"+role+":"+canary+"@", 1), ns: w.ns}
	}
	producer, reader, admin := as("producer"), as("reader"), as("admin")
	id := strings.TrimSpace(producer.ok("enqueue", "--type", "t", "--payload", "1"))
	later := strings.TrimSpace(producer.ok("enqueue", "--type", "t", "--payload", "1", "--in", "1h"))

	w.url = as("worker").url
	p := w.start("work", "--exec", "t=true")
	w.eventually("it has run", func() bool { return w.stats().Succeeded == 1 })
	reader.ok("nodes")
	w.silent(p, exitOK, true)

	for _, args := range [][]string{{"queues"}, {"nodes"}, {"ls", "--state", "waiting"}, {"ls", "--state", "ready"}, {"dead", "ls"}, {"show", id}, {"fsck"}, {"doctor"}} {
		for _, c := range []*console{reader, admin} {
			if r := c.run(args...); r.code != exitOK || r.err != "" {
				t.Errorf("%v at %s: got %+v", args, c.url, r)
			}
		}
	}
	f := reader.tail("--from", "start")
	f.until("succeeded")
	f.end()
	for _, args := range [][]string{{"cancel", later, "--reason", "r"}, {"pause", "default", "--reason", "r"}, {"enqueue", "--type", "t", "--payload", "1"}} {
		r := reader.run(args...)
		if r.code != exitUnavailable || !strings.Contains(r.err, "access denied") || !strings.Contains(r.err, "\nhint: ") || strings.Contains(r.err, canary) {
			t.Errorf("%v as reader: got %+v", args, r)
		}
	}
	admin.ok("pause", "default", "--reason", "r")
	admin.ok("resume", "default", "--reason", "r")
	admin.ok("cancel", later, "--reason", "r")
}
