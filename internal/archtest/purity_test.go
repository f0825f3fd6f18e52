package archtest

import (
	"strings"
	"testing"
)

func TestCheckPurity(t *testing.T) {
	t.Parallel()
	const (
		now   = withTime + "var x = time.Now()"
		alias = "import chron \"time\"\nvar f = chron.Sleep"
		dot   = "import . \"time\"\nvar x = Now()"
	)
	try(t, checkPurity, []example{
		{"time as arithmetic", "task/a.go", withTime + "var d = 3 * time.Second\nfunc f(t time.Time) time.Time { return t.Add(d) }", ""},
		{"rand handed in", "task/a.go", "import \"math/rand/v2\"\nfunc f(r *rand.Rand) int { return r.IntN(3) }", ""},
		{"own source", "timer/wheel.go", "import \"math/rand/v2\"\nvar r = rand.New(rand.NewPCG(1, 2))", ""},
		{"in a test", "task/a_test.go", now, ""},
		{"not a pure file", "timer/releaser.go", now + "\nfunc f() { go f() }", ""},
		{"similar import", "task/a.go", imports("logical"), ""},

		{"now", "task/a.go", now, "time.Now"},
		{"wheel", "timer/wheel_level.go", now, "time.Now"},
		{"alias", "task/a.go", alias, "time.Sleep"},
		{"dot", "task/a.go", dot, "dot import of time"},
		{"global rand", "task/a.go", "import \"math/rand\"\nvar x = rand.Intn(3)", "math/rand.Intn"},
		{"global rand v2", "task/a.go", "import \"math/rand/v2\"\nvar x = rand.IntN(3)", "math/rand/v2.IntN"},
		{"goroutine", "task/a.go", "func f() { go f() }", "go statement"},
	})
	for p := range strings.FieldsSeq("context sync sync/atomic os os/exec net net/http crypto/rand log/slog golang.org/x/sync/errgroup") {
		e := example{path: "task/a.go", src: imports(p)}
		expect(t, checkPurity(e.file(t)), "import of "+p)
	}
	for name := range strings.FieldsSeq("Now Since Until Sleep After AfterFunc Tick NewTicker NewTimer") {
		e := example{path: "task/a.go", src: withTime + "var x = time." + name}
		expect(t, checkPurity(e.file(t)), "time."+name)
	}
}

const withTime = "import \"time\"\n"

func TestUnmatched(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ paths, want string }{
		"no folder yet": {"streams/log.go", ""},
		"fits":          {"timer/wheel.go timer/releaser.go task/a.go", ""},
		"renamed":       {"timer/ring.go", "timer/wheel*.go"},
		"tests alone":   {"timer/ring_test.go", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var files []*file
			for _, p := range strings.Fields(tt.paths) {
				files = append(files, example{path: p}.file(t))
			}
			expect(t, unmatched(files), tt.want)
		})
	}
}
