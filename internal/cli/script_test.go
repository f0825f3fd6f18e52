package cli

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tidemill/tidemill/internal/redistest"
)

// TestScripts runs testdata/*.txtar, each in a namespace of its own on the
// shared server. Beyond the commands of testscript they have
//
//	[!] tidemill ARGS…             as exec tidemill ARGS…
//	exits CODE COMMAND ARGS…       runs it and compares the exit code
//	until PATTERN COMMAND ARGS…    runs it again until its stdout matches
func TestScripts(t *testing.T) {
	t.Parallel()
	url := redistest.URL(t)
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		RequireUniqueNames: true,
		Setup:              func(env *testscript.Env) error { return setupScript(t, env, url) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"tidemill": scriptTidemill, "exits": scriptExits, "until": scriptUntil,
		},
	})
}

func setupScript(t *testing.T, env *testscript.Env, url string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	bin := filepath.Join(env.WorkDir, ".bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		return err
	}
	env.Setenv(envProgram, "1")
	env.Setenv("GORACE", raceOptions)
	env.Setenv("TIDEMILL_REDIS", url)
	env.Setenv("TIDEMILL_NAMESPACE", redistest.Namespace(t))
	env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
	return os.Symlink(self, filepath.Join(bin, "tidemill"))
}

func scriptTidemill(ts *testscript.TestScript, neg bool, args []string) {
	if err := ts.Exec("tidemill", args...); (err != nil) != neg {
		ts.Fatalf("tidemill: %v", err)
	}
}

func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := exitCode(ts, ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("exit code: got %d, want %d", got, want)
	}
}

func exitCode(ts *testscript.TestScript, err error) int {
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exit.ExitCode()
	}
	ts.Check(err)
	return 0
}

func scriptUntil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until PATTERN COMMAND ARGS…")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(untilWithin); ; <-again.C {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("stdout does not match %q within %s; last: %v", args[0], untilWithin, err)
		}
	}
}
