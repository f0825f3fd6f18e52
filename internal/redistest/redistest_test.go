package redistest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/redisproc"
)

func TestMain(m *testing.M) { Main(m) }

// TestURL is also what TestLadder runs in processes of their own.
func TestURL(t *testing.T) {
	t.Parallel()
	url := URL(t)
	if again := URL(t); again != url {
		t.Errorf("asked again: got %s, want %s", again, url)
	}
	t.Logf("url=%s", url)
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	defer c.Close()
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}

// child runs TestURL in another process, in which only the given sources exist.
func child(t *testing.T, env []string, args ...string) (output string, ok bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"-test.run=^TestURL$", "-test.v"}, args...)...)
	cmd.Env = append(os.Environ(), "PATH=/nowhere", "DOCKER_HOST=unix:///nowhere/docker.sock", "DOCKER_CERT_PATH=", "DOCKER_MACHINE_NAME=", envURL+"=", envImage+"=")
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return string(out), err == nil
}

func TestLadder(t *testing.T) {
	t.Parallel()
	named := Start(t, redisproc.Options{TCP: true})
	path := "PATH=" + os.Getenv("PATH")
	for _, tt := range []struct {
		name string
		env  []string
		args []string
		ok   bool
		want string
	}{
		{"the named one first", []string{path, envURL + "=" + named.URL()}, nil, true, "url=" + named.URL() + "\n"},
		{"then one from PATH", []string{path}, nil, true, "url=unix:///"},
		{"a named one that is not there", []string{path, envURL + "=redis://127.0.0.1:1"}, nil, false, "connection refused"},
		{"none", nil, nil, false, errNone.Error() + "\n"},
		{"none and short", nil, []string{"-test.short"}, true, "SKIP"},
		{"short skips always", []string{path}, []string{"-test.short"}, true, "SKIP"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, ok := child(t, tt.env, tt.args...)
			if ok != tt.ok || !strings.Contains(out, tt.want) {
				t.Errorf("got %v and this, want %v with %q:\n%s", ok, tt.ok, tt.want, out)
			}
		})
	}
}

func TestSharedServerEndsWithTheTests(t *testing.T) {
	t.Parallel()
	Start(t, redisproc.Options{}) // there is a server that can be left behind
	out, ok := child(t, []string{"PATH=" + os.Getenv("PATH")})
	m := regexp.MustCompile(`url=unix://(\S+)`).FindStringSubmatch(out)
	if !ok || m == nil {
		t.Fatalf("no url in:\n%s", out)
	}
	if _, err := os.Stat(m[1]); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: got %v, want %v", m[1], err, os.ErrNotExist)
	}
}

func TestFindStopsAtABrokenSource(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	absent := func(context.Context) (server, error) { return server{}, errAbsent }
	breaks := func(context.Context) (server, error) { return server{}, broken }
	gives := func(context.Context) (server, error) { return server{url: "here"}, nil }
	if s, err := find(t.Context(), absent, gives, breaks); err != nil || s.url != "here" {
		t.Errorf("got %v, %v, want here", s, err)
	}
	if _, err := find(t.Context(), absent, breaks, gives); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

func TestNamespace(t *testing.T) {
	t.Parallel()
	valid := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$`)
	seen := map[string]bool{}
	for _, name := range []string{"a", "a", "with space/slash", "ünï", strings.Repeat("long", 40)} {
		t.Run(name, func(t *testing.T) {
			ns := Namespace(t)
			if !valid.MatchString(ns) || !strings.HasPrefix(ns, "TestNamespace-") {
				t.Errorf("got %q, want TestNamespace-… and %v", ns, valid)
			}
			if seen[ns] {
				t.Errorf("got %q twice", ns)
			}
			seen[ns] = true
		})
	}
}
