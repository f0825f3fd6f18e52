package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/task"
)

// canary is a password, or a payload, that nothing prints.
const canary = "s3cr3t-canary"

// everyCommand is a command line of each command that speaks to Redis.
var everyCommand = [][]string{
	{"queues"},
	{"nodes"},
	{"ls", "--state", "dead"},
	{"show", "01ARZ3NDEKTSV4RRFFQ69G5FAV"},
	{"tail", "--from", "start"},
	{"dead", "ls"},
	{"dead", "requeue", "--all", "--reason", "r"},
	{"dead", "purge", "--all", "--yes", "--reason", "r"},
	{"fsck"},
	{"log"},
	{"state"},
	{"stats"},
	{"replay", "plan"},
	{"replay", "run", "--exec", "t=true"},
	{"archive", "run", "--to", "nowhere", "--once"},
	{"verify", "nowhere", "--unsigned"},
	{"audit", "who"},
	{"restore", "--archive", "nowhere", "--at", "1", "--into", "other"},
	{"doctor"},
	{"cancel", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--reason", "r"},
	{"redact", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--reason", "r"},
	{"pause", "q", "--reason", "r"},
	{"resume", "q", "--reason", "r"},
	{"retention", "q"},
	{"retention", "q", "--age", "1h", "--reason", "r"},
	{"hold", "n", "--queue", "q", "--from", "1", "--reason", "r"},
	{"hold", "ls"},
	{"hold", "release", "n", "--reason", "r"},
	{"enqueue", "--type", "t", "--payload", "1"},
	{"work", "--exec", "t=true"},
}

// TestEveryCommandIsListed: a new command is looked at, too.
func TestEveryCommandIsListed(t *testing.T) {
	t.Parallel()
	alone := []string{"demo", "demo-worker", "bench", "version", "help", "completion"} // servers of their own, or none
	for _, c := range (&app{}).commands() {
		listed := slices.ContainsFunc(everyCommand, func(args []string) bool { return args[0] == c.Name() })
		if !listed && !c.Hidden && !slices.Contains(alone, c.Name()) {
			t.Errorf("%s is not among everyCommand", c.Name())
		}
	}
}

// No command tells the password of a Redis that cannot be used.
func TestCanaryPassword(t *testing.T) {
	t.Parallel()
	locked := redistest.Start(t, redisproc.Options{Args: []string{"--requirepass", "another"}, TCP: true}).URL()
	for _, url := range []string{
		strings.Replace(locked, "://", "://:"+canary+"@", 1), strings.Replace(locked, "://", "://nobody:"+canary+"@", 1),
		"redis://:" + canary + "@127.0.0.1:1", "unix://u:" + canary + "@/nowhere/redis.sock", "rediss://u:" + canary + "@127.0.0.1:1",
		"redis+cluster://u:" + canary + "@127.0.0.1:1", "redis://u:" + canary + "@127.0.0.1:port", "http://u:" + canary + "@127.0.0.1",
		"redis://u:12/" + canary + "@127.0.0.1", "redis://u:" + canary + "%zz@127.0.0.1", "user:" + canary + "@127.0.0.1:6379", canary,
	} {
		c := &console{T: t, url: url, ns: "default"}
		for _, args := range everyCommand {
			for _, more := range [][]string{nil, {"--json"}} {
				args := slices.Concat(args, more)
				r := c.run(args...)
				if r.code == exitOK || strings.Contains(r.out+r.err, "canary") || strings.Contains(r.out+r.err, "s3cr3t") {
					t.Errorf("%s with %s: got %d, %s%s", args, url, r.code, r.out, r.err)
				}
			}
		}
	}
}

// The process says no more, whatever the libraries in it like to log; and work,
// which tells where it works, tells no password.
func TestCanaryProcess(t *testing.T) {
	t.Parallel()
	good := redistest.Start(t, redisproc.Options{Args: []string{"--requirepass", canary}, TCP: true}).URL()
	w := newWorld(t, strings.Replace(good, "://", "://:"+canary+"@", 1))
	w.start("enqueue", "--type", "t", "--payload", "1").end(exitOK)
	p := w.start("work", "--queue", "default=1", "--exec", "t=true", "--verbose")
	w.eventually("it has run", func() bool { return w.stats().Succeeded == 1 })
	if runtime.GOOS == "linux" {
		line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.Process.Pid), "cmdline"))
		if err != nil || bytes.Contains(line, []byte(canary)) {
			t.Errorf("command line: %q, %v", line, err)
		}
	}
	w.silent(p, exitOK, true)
	w.url = strings.Replace(good, "://", "://:x"+canary+"@", 1)
	w.silent(w.start("work", "--exec", "t=true"), exitUnavailable, false)
	w.url = "redis://:" + canary + "@127.0.0.1:1"
	w.silent(w.start("queues"), exitUnavailable, false)
}

// silent ends a process, which has said nothing it should not.
func (w *world) silent(p *program, code int, interrupt bool) {
	w.t.Helper()
	if interrupt {
		p.signal(os.Interrupt)
	}
	var out bytes.Buffer
	if _, err := out.ReadFrom(p.stdout); err != nil {
		w.t.Error(err)
	}
	p.end(code)
	if said := out.String() + p.stderr.String(); strings.Contains(said, "canary") {
		w.t.Errorf("%v: got %s", p.Args[1:], said)
	}
}

// What a command line tells everybody on the machine, doctor tells its user.
func TestDoctorTellsOfPassword(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t, redisproc.Options{Args: []string{"--requirepass", canary}, TCP: true}).URL()
	c := newConsole(t, strings.Replace(url, "://", "://:"+canary+"@", 1))
	out := c.ok("doctor")
	contains(t, out, "warn  password     it is on the command line")
	contains(t, out, "TIDEMILL_REDIS")
	if strings.Contains(out, canary) {
		t.Errorf("got %s", out)
	}
}

func TestDoctorTellsOfTLS(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]int{"rediss://h?skip_verify=true": 1, "rediss://h": 0, "redis://h": 0, "%zz": 0} {
		var d doctor
		d.address("", url)
		if len(d.found) != want || want > 0 && d.found[0].What != "tls" {
			t.Errorf("%s: got %+v", url, d.found)
		}
	}
}

// Payloads are shown by show, and by ls --json and tail --json where they are asked for; by
// nothing else, logs of failures among them.
func TestCanaryPayload(t *testing.T) {
	t.Parallel()
	c := memory(t)
	b := task.Birth{Payload: []byte(canary), Headers: map[string]string{"h": canary}}
	id := c.dead("DEAD", b)
	c.enqueue("READY", b)
	b.In = 1 << 40
	c.enqueue("WAITING", b)
	f := c.tail("--from", "start")
	f.until("scheduled")
	outputs := []string{f.end(), c.ok("queues"), c.ok("nodes"), c.ok("dead", "ls"), c.ok("fsck"), c.ok("doctor"), c.ok("queues", "--json"), c.ok("fsck", "--json")}
	for _, state := range []string{"dead", "ready", "waiting", "running"} {
		outputs = append(outputs, c.ok("ls", "--state", state))
	}
	for _, out := range outputs {
		if strings.Contains(out, canary) {
			t.Errorf("got %s", out)
		}
	}
	contains(t, c.ok("show", id.String()), canary)
}

// A worker's log of what went wrong has the task and its error, not its payload.
func TestCanaryWorkLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.URL(t))
	for _, typ := range []string{"fails", "buried", "fine", "slow"} {
		w.start("enqueue", "--type", typ, "--payload", strconv.Quote(canary)).end(exitOK)
	}
	p := w.start("work", "--queue", "default=4", "--timeout", "1s", "--verbose", "--shell",
		"--exec", "fails=exit 1", "--exec", "buried=exit 65", "--exec", "fine=true", "--exec", "slow=sleep 30")
	w.eventually("all have run", func() bool { s := w.stats(); return s.Succeeded == 1 && s.Dead >= 1 && s.Dead+s.Waiting == 3 })
	w.silent(p, exitOK, true)
}
