package archtest

import "testing"

func TestOpenEnds(t *testing.T) {
	t.Parallel()
	try(t, openEnds, []example{
		{"with issue", "task/a.go", "// TODO(#12): later", ""},
		{"in a string", "task/a.go", "var s = `TODO`", ""},
		{"part of a word", "task/a.go", "// MASTODON and TODOS", ""},
		{"lua code", "streams/lua/a.lua", "local XXX = 1", ""},

		{"bare", "task/a.go", "// TODO: later", "TODO without an issue"},
		{"with a name", "task/a_test.go", "/* FIXME(me) */", "FIXME without an issue"},
		{"behind code", "task/a.go", "var x int // XXX", "a.go:2: XXX without an issue"},
		{"lua", "streams/lua/a.lua", "\n-- TODO later", "a.lua:2: TODO without an issue"},
	})
}

func TestKeyLiterals(t *testing.T) {
	t.Parallel()
	try(t, keyLiterals, []example{
		{"at home", "internal/keys/a.go", "var s = \"tm:{\"", ""},
		{"in a test", "streams/a_test.go", "var s = \"tm:{\"", ""},
		{"end of a word", "streams/a.go", "var s = \"atm:\"", ""},
		{"comment", "streams/a.go", "// tm:{x}:t", ""},
		{"lua comment", "streams/lua/a.lua", "-- tm:{x}:t", ""},

		{"go", "streams/a.go", "var s = \"tm:{\"", "internal/keys alone"},
		{"raw", "internal/cli/a.go", "var s = `scan tm:*`", "internal/keys alone"},
		{"lua", "streams/lua/a.lua", "local k = 'tm:' .. x", "internal/keys alone"},
	})
}

func TestPrints(t *testing.T) {
	t.Parallel()
	const print1 = "import \"fmt\"\nfunc f() { fmt.Println() }"
	try(t, prints, []example{
		{"at the edge", "internal/cli/a.go", print1, ""},
		{"in an example", "engine/example_test.go", print1, ""},
		{"to a writer", "engine/a.go", "import \"fmt\"\nvar f = fmt.Fprintln", ""},

		{"print", "engine/a.go", print1, "fmt.Println"},
		{"printf", "task/a.go", "import \"fmt\"\nvar f = fmt.Printf", "fmt.Printf"},
		{"log", "streams/a.go", "import \"log\"\nfunc f() { log.Fatal() }", "log.Fatal"},
	})
}

func TestSkips(t *testing.T) {
	t.Parallel()
	const skip = "import \"testing\"\nfunc f(t *testing.T) { t.Skip() }"
	try(t, skips, []example{
		{"redistest", "internal/redistest/a.go", skip, ""},
		{"an iterator", "streams/a_test.go", "func f() { it.Skip(3) }", ""},
		{"not a test", "streams/a.go", "func f() { t.Skip() }", ""},

		{"skip", "streams/a_test.go", skip, "Skip: a test that skips"},
		{"helper", "streams/streamstest/a.go", skip, "Skip: a test that skips"},
		{"skipf", "streams/a_test.go", "func f() { x.y.Skipf(``) }", "Skipf: a test that skips"},
		{"skipnow", "streams/a_test.go", "func f() { tt.SkipNow() }", "SkipNow: a test that skips"},
	})
}

func TestSleeps(t *testing.T) {
	t.Parallel()
	const sleep = "func f() { time.Sleep(1) }"
	try(t, sleeps, []example{
		{"bubble", "timer/a_test.go", imports("testing/synctest", "time") + sleep, ""},
		{"not a test", "internal/redisproc/a.go", imports("time") + sleep, ""},
		{"hope", "timer/a_test.go", imports("time") + sleep, "time.Sleep in a test"},
	})
}

// TestCheckWords makes sure that every one of the checks is called.
func TestCheckWords(t *testing.T) {
	t.Parallel()
	test := "import \"time\"\n// TODO\nfunc f() { time.Sleep(1); t.Skip() }"
	if got := checkWords(example{path: "engine/a_test.go", src: test}.file(t)); len(got) != 3 {
		t.Errorf("got %q, want 3 findings", got)
	}
	library := "import \"log\"\nfunc f() { log.Print(\"tm:{\") }"
	if got := checkWords(example{path: "engine/a.go", src: library}.file(t)); len(got) != 2 {
		t.Errorf("got %q, want 2 findings", got)
	}
}
