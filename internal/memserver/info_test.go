package memserver

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// field of an INFO reply, or "" if it has none.
func field(text, name string) string {
	for l := range strings.SplitSeq(text, "\r\n") {
		if v, ok := strings.CutPrefix(l, name+":"); ok {
			return v
		}
	}
	return ""
}

func TestInfoSections(t *testing.T) {
	t.Parallel()
	c := client(t, open(t, ""))
	for _, tt := range []struct {
		asked []string
		want  []string // headers
	}{
		{nil, []string{"Server", "Clients", "Memory", "Persistence", "Stats", "Replication"}},
		{[]string{"everything"}, []string{"Server", "Clients", "Memory", "Persistence", "Stats", "Replication"}},
		{[]string{"REPLICATION"}, []string{"Replication"}},
		{[]string{"persistence", "server"}, []string{"Server", "Persistence"}},
		{[]string{"latency"}, nil},
	} {
		t.Run(strings.Join(tt.asked, " "), func(t *testing.T) {
			t.Parallel()
			text, err := c.Info(t.Context(), tt.asked...).Result()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for l := range strings.SplitSeq(text, "\r\n") {
				if h, ok := strings.CutPrefix(l, "# "); ok {
					got = append(got, h)
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("sections (-want +got):\n%s", d)
			}
		})
	}
}

func TestInfoFields(t *testing.T) {
	t.Parallel()
	text, err := client(t, open(t, "")).Info(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"redis_version":     `7\.0\.0`,
		"redis_mode":        `standalone`,
		"server_name":       `miniredis`,
		"connected_clients": `[1-9]\d*`,
		"used_memory":       `[1-9]\d*`,
		"maxmemory":         `0`,
		"maxmemory_policy":  `noeviction`,
		"aof_enabled":       `0`,
		"role":              `master`,
		"master_replid":     `[0-9a-f]{40}`,
	} {
		if got := field(text, name); !regexp.MustCompile("^" + want + "$").MatchString(got) {
			t.Errorf("%s: got %q, want %s", name, got, want)
		}
	}
}

func TestInfoInScriptsNamesOneMaster(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := open(t, "")
	text, err := client(t, s).Info(ctx, "replication").Result()
	if err != nil {
		t.Fatal(err)
	}
	want := field(text, "master_replid")
	const script = `return redis.call('INFO','replication'):match('master_replid:(%x+)')`
	for range 2 {
		got, err := evalsha(ctx, client(t, s), script, nil)
		if err != nil || got != want {
			t.Errorf("in a script: got %v, %v, want %s", got, err, want)
		}
	}
	other, err := evalsha(ctx, client(t, open(t, "")), script, nil)
	if err != nil || other == want {
		t.Errorf("another server: got %v, %v, want another id", other, err)
	}
}
